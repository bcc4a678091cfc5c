"""Parquet files as teams write them are read, and whatever else is refused."""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from interference_service.domain.inputs import ColumnsSource, Input, TensorSource
from interference_service.errors import (
    AnalysisError,
    InputUnavailable,
    InputUnsupported,
    InvalidData,
)
from interference_service.references.data import parquet, table
from interference_service.references.data.columns import BytesColumn, NumberColumn
from support.parquet_files import IMAGE, X, labels, numbers, refused, rows, source, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.parquet"


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([3, 1], pa.int8()), [3, 1]),
        (pa.array([2**63 - 1, -(2**63)], pa.int64()), [2**63 - 1, -(2**63)]),
        (pa.array([65535, 0], pa.uint16()), [65535, 0]),
        (pa.array([True, False]), [1, 0]),
        (pa.array(["cat", "naïve ✓"]), ["cat", "naïve ✓"]),
        (pa.array(["cat", ""], pa.large_string()), ["cat", ""]),
        (pa.array(["cat", "dog"]).dictionary_encode(), ["cat", "dog"]),
        (pa.array([7, 8], pa.int32()).dictionary_encode(), [7, 8]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_integers_and_strings_are_labels(path, array, expected, use_dictionary):
    write(path, label=array, write_use_dictionary=use_dictionary)
    assert labels(source(path)) == expected


def test_labels_too_large_for_64_bits_are_refused(path):
    write(path, label=pa.array([2**64 - 1], pa.uint64()))
    refused(lambda: labels(source(path)), "data.label_column", InvalidData)


@pytest.mark.parametrize("array", [pa.array([0.5]), pa.array([b"x"]), pa.array([[1]])], ids=str)
def test_labels_of_another_plain_type_are_refused(path, array):
    write(path, label=array)
    refused(lambda: labels(source(path)), "data.label_column", InvalidData, "integers or strings")


def test_a_null_label_is_told_with_its_row_in_the_file(path):
    values = [0] * 3000
    values[2500] = None
    write(path, label=pa.array(values, pa.int64()), write_row_group_size=700)
    refused(lambda: labels(source(path)), "data.label_column", InvalidData, "row 2500")


def test_a_group_column_is_told_apart_from_the_label(path):
    write(path, label=[1], site=pa.array([None], pa.string()))
    data = source(path, group="site")
    assert labels(data) == [1]
    refused(lambda: labels(data, "site"), "data.group_column", InvalidData)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, 2], pa.int16()), [1, 2]),
        (pa.array([0.5, -1.5], pa.float32()), [0.5, -1.5]),
        (pa.array(np.array([0.5, 2], np.float16)), [0.5, 2]),
        (pa.array([[1.0, 2.0], [3.0, 4.0]]), [[1, 2], [3, 4]]),
        (pa.array([[1, 2], [3, 4]], pa.list_(pa.uint8(), 2)), [[1, 2], [3, 4]]),
        (pa.array([[[1], [2]], [[3], [4]]]), [[1, 2], [3, 4]]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_numbers_and_lists_of_one_length_are_read(path, array, expected):
    write(path, label=[0, 1], x=array)
    assert numbers(source(path)) == expected


def test_columns_are_read_by_name_whatever_their_order(path):
    write(path, b=[1, 2], unused=["x", "y"], a=[3, 4], label=[0, 1])
    both = Input(name="x", columns=ColumnsSource(columns=("a", "b")))
    assert numbers(source(path, both), "a") == [3, 4]
    assert numbers(source(path, both), "b") == [1, 2]


@pytest.mark.parametrize("name", ["a.b", "a b", "ä", "list.element", "x.list.element"])
def test_a_column_is_its_own_name_and_no_path(path, name):
    columns = {
        name: pa.array([1, 2]),
        "a": pa.array([{"b": 8}, {"b": 9}]),
        "x": pa.array([[5], [6]]),
        "label": pa.array([0, 1]),
    }
    pq.write_table(pa.table(columns), path)
    data = source(path, Input(name="x", tensor=TensorSource(column=name)), label=name)
    assert labels(data, name) == [1, 2]
    assert numbers(data, name) == [1, 2]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([b"one", b"two"]),
        pa.array([b"one", b"two"], pa.large_binary()),
        pa.array([b"one", b"two"], pa.binary(3)),
        pa.array([{"bytes": b"one", "path": "/etc/passwd"}, {"bytes": b"two", "path": None}]),
    ],
    ids=lambda array: str(array.type),
)
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_bytes_are_read_from_binary_and_struct_columns(path, array, use_dictionary):
    write(path, label=[0, 1], x=array, write_use_dictionary=use_dictionary)
    column = rows(source(path, IMAGE)).columns["x"]
    assert isinstance(column, BytesColumn)
    assert [column.value(0), column.value(1)] == [b"one", b"two"]


@pytest.mark.parametrize(
    ("array", "given"),
    [
        (pa.array(["a"]), X),
        (pa.array([b"a"]), X),
        (pa.array([{"a": 1}]), X),
        (pa.array([1]), IMAGE),
        (pa.array(["a"]), IMAGE),
        (pa.array([[1]]), IMAGE),
    ],
    ids=str,
)
def test_an_input_of_the_wrong_kind_is_named(path, array, given):
    write(path, label=[0], x=array)
    field = "data.inputs[0].image.column" if given is IMAGE else "data.inputs[0].tensor.column"
    refused(lambda: rows(source(path, given)), field, InvalidData)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1], pa.timestamp("us")),
        pa.array([1], pa.date32()),
        pa.array([1], pa.decimal128(5)),
        pa.array([[(b"k", 1)]], pa.map_(pa.binary(), pa.int64())),
        pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.float32(), [2]), pa.array([[1, 2]], pa.list_(pa.float32(), 2))
        ),
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16], pa.binary(16))),
        pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"])),
    ],
    ids=lambda array: str(array.type),
)
def test_types_that_are_not_plain_are_refused_unread(path, array):
    write(path, label=[0], x=array)
    field = "data.inputs[0].tensor.column"
    refused(
        lambda: rows(source(path)), field, InputUnsupported, "store plain values|cast it to float64"
    )
    assert labels(source(path)) == [0]


def test_a_column_that_is_there_twice_is_refused(path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["label", "label"])
    pq.write_table(table, path)
    refused(lambda: labels(source(path)), "data.label_column", InvalidData)


def test_groups_of_rows_are_gathered_into_fragments(path, monkeypatch):
    monkeypatch.setattr(table, "FRAGMENT_ROWS", 10)
    write(path, label=list(range(26)), x=list(range(26)), write_row_group_size=4)
    fragments = source(path).fragments()
    assert [(each.groups, each.first_row, each.num_rows) for each in fragments] == [
        ((0, 1), 0, 8),
        ((2, 3), 8, 8),
        ((4, 5, 6), 16, 10),
    ]
    assert {each.source for each in fragments} == {"0:rows"}
    assert labels(source(path)) == list(range(26))
    held = source(path).read_rows(fragments[2], np.array([1, 7])).columns["x"]
    assert isinstance(held, NumberColumn)
    assert held.values.tolist() == [17, 23]


def test_a_fragment_of_wide_rows_has_fewer_of_them(path, monkeypatch):
    write(path, label=list(range(20)), x=[[0.5] * 1000] * 20, write_row_group_size=2)
    group_bytes = pq.read_metadata(path).row_group(0).total_byte_size
    monkeypatch.setattr(table, "FRAGMENT_BYTES", 3 * group_bytes)
    assert [each.num_rows for each in source(path).fragments()] == [6, 6, 6, 2]


def test_a_group_of_rows_that_is_larger_than_a_fragment_is_one(path, monkeypatch):
    monkeypatch.setattr(table, "FRAGMENT_ROWS", 10)
    write(path, label=list(range(50)), write_row_group_size=25)
    assert [each.num_rows for each in source(path).fragments()] == [25, 25]


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
def test_every_compression_is_read(path, compression):
    write(path, label=list(range(100)), x=list(range(100)), write_compression=compression)
    assert numbers(source(path)) == list(range(100))


def test_a_batch_that_unfolds_to_too_much_is_refused(path, monkeypatch):
    write(path, label=[0] * 1000, x=[[0.0] * 100] * 1000)
    assert path.stat().st_size < 20_000
    assert len(numbers(source(path))) == 1000
    monkeypatch.setattr(table, "MAX_BATCH_BYTES", 100_000)
    refused(lambda: rows(source(path)), "data.uris[0]", InputUnsupported, "unfolds")


def test_more_rows_than_are_read_are_refused(path, monkeypatch):
    write(path, label=[0] * 10)
    monkeypatch.setattr(parquet, "MAX_ROWS", 10)
    refused(lambda: source(path).fragments(), "data.uris[0]", InputUnsupported, "claims 10 rows")


def test_a_file_that_goes_away_is_unavailable(path):
    write(path, label=[0], x=[1])
    data = source(path)
    (fragment,) = data.fragments()
    path.unlink()
    refused(lambda: data.read_column(fragment, "label"), "data.uris[0]", InputUnavailable)


def test_a_file_that_lost_its_groups_is_unavailable(path):
    write(path, label=[0] * 10, x=[0] * 10, write_row_group_size=2)
    data = source(path)
    (fragment,) = data.fragments()
    write(path, label=[0] * 10, x=[0] * 10)
    refused(lambda: data.read_column(fragment, "label"), "data.uris[0]", InputUnavailable)


@given(seed=st.integers(0, 2**32))
def test_damaged_bytes_end_in_a_refusal_or_in_rows(tmp_path_factory, seed):
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    write(path, label=["a", "b"] * 20, x=[[0.5, 1.5]] * 40, write_row_group_size=16)
    raw = bytearray(path.read_bytes())
    generator = random.Random(seed)
    for _ in range(generator.randint(1, 8)):
        raw[generator.randrange(len(raw))] = generator.randrange(256)
    path.write_bytes(raw)
    data = source(path)
    try:
        found = labels(data)
        fragments = data.fragments()
    except AnalysisError:
        return
    assert len(found) == sum(each.num_rows for each in fragments)
