"""Whatever the format and layout of the files: the right rows in the right order, or a refusal."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from interference_service.domain.inputs import ColumnsSource, ImageSource, Input, TensorSource
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import AnalysisError, InputUnavailable, InvalidData
from interference_service.references.data import SOURCES, open_data
from interference_service.references.data.columns import BytesColumn, NumberColumn, Rows
from interference_service.references.data.source import DataSource
from interference_service.references.stores import Stores

ROWS = 23
INPUTS = (
    Input(name="pixels", image=ImageSource(column="image")),
    Input(name="vector", tensor=TensorSource(column="vector")),
    Input(name="plain", columns=ColumnsSource(columns=("first", "second"))),
)


def labels_of(rows: int) -> list[list[str]]:
    """None, one or two labels of every row."""
    return [[f"label {number % 7}", "common"][: number % 3] for number in range(rows)]


def content(rows: int = ROWS) -> dict[str, pa.Array]:
    """Columns whose every value tells its row."""
    numbers = np.arange(rows)
    return {
        "label": pa.array(numbers % 3),
        "labels": pa.array(labels_of(rows), pa.list_(pa.string())),
        "site": pa.array([f"site {number % 5}" for number in numbers]),
        "image": pa.array([b"image %d" % number for number in numbers]),
        "vector": pa.array([[number, number + 0.5] for number in numbers.tolist()]),
        "first": pa.array(numbers * 10),
        "second": pa.array(numbers / 4),
    }


def write_parquet(columns: dict[str, pa.Array], path: Path, cuts: Sequence[int]) -> None:
    """Row groups of these sizes, and one of the rest."""
    table = pa.table(columns)
    with pq.ParquetWriter(path, table.schema) as writer:
        start = 0
        for size in [*cuts, table.num_rows]:
            part = table.slice(start, size)
            writer.write_table(part, row_group_size=max(1, size))
            start += part.num_rows


Writer = Callable[[dict[str, pa.Array], Path, Sequence[int]], None]
WRITERS: dict[DataFormat, Writer] = {DataFormat.PARQUET: write_parquet}
"""How a team writes each format; the last argument is where a file may be cut in parts."""


def test_every_format_has_a_writer_here():
    assert WRITERS.keys() == SOURCES.keys()


@pytest.fixture(params=WRITERS, ids=str)
def data_format(request) -> DataFormat:
    return request.param


@pytest.fixture
def write(data_format) -> Writer:
    return WRITERS[data_format]


def source(
    data_format: DataFormat, *paths: Path, digest: str = "", label: str = "label"
) -> DataSource:
    reference = DataReference(
        uris=tuple(f"data://{path.name}" for path in paths),
        format=data_format,
        digest=digest,
        label_column=label,
        group_column="site",
        inputs=INPUTS,
    )
    return open_data(reference, Stores({"data": paths[0].parent}))


def column(data: DataSource, name: str) -> list:
    return [value for each in data.fragments() for value in data.read_column(each, name).tolist()]


def all_rows(data: DataSource) -> Rows:
    parts = [
        data.read_rows(each, np.arange(each.num_rows)) for each in data.fragments() if each.num_rows
    ]
    return Rows.concatenate(parts)


def numbers(rows: Rows, name: str) -> list:
    held = rows.columns[name]
    assert isinstance(held, NumberColumn)
    return held.values.tolist()


def assert_rows(rows: Rows, expected: Sequence[int]) -> None:
    """The rows with these numbers, in this order, in every column."""
    assert rows.count == len(expected)
    images = rows.columns["image"]
    assert isinstance(images, BytesColumn)
    assert [images.value(row) for row in range(len(images))] == [b"image %d" % n for n in expected]
    assert numbers(rows, "vector") == [[n, n + 0.5] for n in expected]
    assert numbers(rows, "first") == [n * 10 for n in expected]
    assert numbers(rows, "second") == [n / 4 for n in expected]


def test_every_row_is_read_once_in_order(data_format, write, tmp_path):
    write(content(), tmp_path / "rows", [])
    data = source(data_format, tmp_path / "rows")
    assert column(data, "label") == [number % 3 for number in range(ROWS)]
    assert column(data, "site") == [f"site {number % 5}" for number in range(ROWS)]
    assert_rows(all_rows(data), range(ROWS))


@given(cuts=st.lists(st.integers(1, ROWS), max_size=6))
@pytest.mark.parametrize("each_format", WRITERS, ids=str)
def test_any_cut_into_parts_gives_the_same_rows(tmp_path_factory, each_format, cuts):
    path = tmp_path_factory.getbasetemp() / "cut"
    WRITERS[each_format](content(), path, cuts)
    data = source(each_format, path)
    assert column(data, "label") == [number % 3 for number in range(ROWS)]
    assert_rows(all_rows(data), range(ROWS))


@given(chosen=st.sets(st.integers(0, ROWS - 1), min_size=1))
@pytest.mark.parametrize("each_format", WRITERS, ids=str)
def test_any_rows_can_be_read_alone(tmp_path_factory, each_format, chosen):
    path = tmp_path_factory.getbasetemp() / "chosen"
    if not path.exists():
        WRITERS[each_format](content(), path, [4, 9])
    data = source(each_format, path)
    (fragment,) = data.fragments()
    wanted = np.array(sorted(chosen))
    assert_rows(data.read_rows(fragment, wanted), wanted.tolist())


@given(cuts=st.lists(st.integers(1, ROWS), max_size=6))
@pytest.mark.parametrize("each_format", WRITERS, ids=str)
def test_any_cut_into_parts_gives_the_same_lists_of_labels(tmp_path_factory, each_format, cuts):
    path = tmp_path_factory.getbasetemp() / "lists"
    WRITERS[each_format](content(), path, cuts)
    data = source(each_format, path, label="labels")
    found = []
    for fragment in data.fragments():
        batches = list(data.read_label_lists(fragment))
        ends = np.cumsum([0, *(len(each.sizes) for each in batches)])
        assert [each.first_row for each in batches] == ends[:-1].tolist()
        assert ends[-1] == fragment.num_rows
        for each in batches:
            found += np.split(each.labels, np.cumsum(each.sizes))[:-1]
    assert [each.tolist() for each in found] == labels_of(ROWS)


@pytest.mark.parametrize("label", ["label", "image", "vector", "none"])
def test_a_column_without_lists_of_labels_is_named(data_format, write, tmp_path, label):
    write(content(), tmp_path / "rows", [])
    data = source(data_format, tmp_path / "rows", label=label)
    with pytest.raises(InvalidData) as caught:
        list(data.read_label_lists(data.fragments()[0]))
    assert caught.value.violations[0].field == "spec.data.label_column"


def test_several_files_are_read_in_the_order_of_their_uris(data_format, write, tmp_path):
    whole = content()
    for name, start, size in (("b", 0, 10), ("a", 10, 13)):
        part = {key: each.slice(start, size) for key, each in whole.items()}
        write(part, tmp_path / name, [])
    data = source(data_format, tmp_path / "b", tmp_path / "a")
    assert_rows(all_rows(data), range(ROWS))
    assert [(each.file, each.first_row, each.num_rows) for each in data.fragments()] == [
        (0, 0, 10),
        (1, 0, 13),
    ]
    assert len({each.source for each in data.fragments()}) == 2


def test_large_files_are_cut_into_fragments_that_follow_each_other(data_format, write, tmp_path):
    rows = 30_000
    write(content(rows), tmp_path / "rows", [5000] * 5)
    data = source(data_format, tmp_path / "rows")
    fragments = data.fragments()
    assert len(fragments) > 1
    ends = np.cumsum([each.num_rows for each in fragments])
    assert [each.first_row for each in fragments] == [0, *ends[:-1]]
    assert ends[-1] == rows
    assert column(data, "label") == [number % 3 for number in range(rows)]
    last = fragments[-1]
    assert_rows(
        data.read_rows(last, np.array([0, 1500, last.num_rows - 1])),
        [last.first_row, last.first_row + 1500, rows - 1],
    )


def test_a_file_without_rows_gives_none(data_format, write, tmp_path):
    write(content(0), tmp_path / "rows", [])
    data = source(data_format, tmp_path / "rows")
    assert sum(each.num_rows for each in data.fragments()) == 0
    assert column(data, "label") == []


def test_reading_twice_gives_the_same(data_format, write, tmp_path):
    write(content(), tmp_path / "rows", [7])
    data = source(data_format, tmp_path / "rows")
    assert data.fragments() == data.fragments()
    assert_rows(all_rows(data), range(ROWS))
    assert_rows(all_rows(data), range(ROWS))


def test_the_digest_tells_contents_and_order_apart(data_format, write, tmp_path):
    write(content(), tmp_path / "a", [])
    write(content(ROWS + 1), tmp_path / "b", [])
    digests = {
        source(data_format, *(tmp_path / name for name in names)).digest()
        for names in ("a", "b", "ab", "ba")
    }
    assert len(digests) == 4
    assert all(each.startswith("sha256:") and len(each) == 71 for each in digests)


def test_a_changed_file_is_found_by_its_digest(data_format, write, tmp_path):
    path = tmp_path / "rows"
    write(content(), path, [])
    wanted = source(data_format, path).digest()
    assert source(data_format, path, digest=wanted).digest() == wanted
    write(content(ROWS + 1), path, [])
    with pytest.raises(InputUnavailable) as caught:
        source(data_format, path, digest=wanted).digest()
    assert caught.value.violations[0].field == "spec.data.digest"


def read_everything(data: DataSource) -> None:
    column(data, "label")
    column(data, "site")
    all_rows(data)


def refused(data: DataSource, kind: type[AnalysisError] = AnalysisError) -> AnalysisError:
    """What reading everything ends in."""
    with pytest.raises(kind) as caught:
        read_everything(data)
    (violation,) = caught.value.violations
    assert violation.field.startswith("spec.data.")
    return caught.value


@pytest.mark.parametrize("raw", [b"", b"PAR1", b"\x00" * 1000, b"PK\x03\x04", b"label,x\n1,2\n"])
def test_bytes_of_another_format_are_refused(data_format, write, tmp_path, raw):
    path = tmp_path / "rows"
    path.write_bytes(raw)
    error = refused(source(data_format, path), InputUnavailable)
    assert error.violations[0].field == "spec.data.uris[0]"


def test_truncated_files_are_refused(data_format, write, tmp_path):
    path = tmp_path / "rows"
    write(content(), path, [5])
    raw = path.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(raw[: int(len(raw) * share)])
        refused(source(data_format, path))


def test_the_damaged_file_among_several_is_named(data_format, write, tmp_path):
    write(content(), tmp_path / "good", [])
    (tmp_path / "bad").write_bytes(b"bad")
    error = refused(source(data_format, tmp_path / "good", tmp_path / "bad"))
    assert error.violations[0].field == "spec.data.uris[1]"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("label", "data.label_column"),
        ("site", "data.group_column"),
        ("image", "data.inputs[0].image.column"),
        ("vector", "data.inputs[1].tensor.column"),
        ("first", "data.inputs[2].columns.columns"),
    ],
)
def test_a_missing_column_is_named_with_those_that_exist(data_format, write, tmp_path, name, field):
    columns = content()
    del columns[name]
    write(columns, tmp_path / "rows", [])
    error = refused(source(data_format, tmp_path / "rows"), InvalidData)
    assert error.violations[0].field == f"spec.{field}"
    assert all(repr(other) in error.message for other in columns)


@pytest.mark.parametrize("name", ["label", "site", "image", "vector", "first", "second"])
def test_a_null_in_a_column_that_is_needed_is_refused(data_format, write, tmp_path, name):
    columns = content()
    columns[name] = pa.array([*columns[name].to_pylist()[:-1], None], columns[name].type)
    write(columns, tmp_path / "rows", [])
    refused(source(data_format, tmp_path / "rows"), InvalidData)


def test_a_format_that_is_not_offered_is_named(tmp_path):
    with pytest.raises(AnalysisError, match="DATA_FORMAT_PARQUET") as caught:
        source(DataFormat.CSV, tmp_path / "rows")
    assert caught.value.violations[0].field == "spec.data.format"
