"""Only plain types are read, and every value arrives as it was."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from interference_service.errors import InputUnsupported
from interference_service.references.data import arrow
from interference_service.references.data.arrow import (
    bytes_column,
    class_values,
    is_allowed,
    label_lists,
)
from support.arrow_arrays import FIELD, refused


class Custom(pa.ExtensionType):
    """A type of a library's own."""

    def __init__(self) -> None:
        super().__init__(pa.int64(), "tests.custom")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> "Custom":
        return cls()


PLAIN = (
    pa.bool_(), pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.string(),
    pa.large_string(), pa.binary(), pa.large_binary(), pa.binary(4),
)  # fmt: skip
OTHER = (
    pa.null(), pa.date32(), pa.timestamp("us"), pa.duration("s"), pa.decimal128(9, 2), pa.time32("s"),
    pa.map_(pa.string(), pa.int32()), Custom(), pa.uuid(), pa.fixed_shape_tensor(pa.float32(), [2]),
    pa.json_(), pa.opaque(pa.int8(), "type", "vendor"), pa.string_view(), pa.month_day_nano_interval(),
)  # fmt: skip


def wrapped(kind: pa.DataType) -> list[pa.DataType]:
    """The type, and types that hold it."""
    return [
        kind,
        pa.list_(kind),
        pa.large_list(kind),
        pa.list_(kind, 3),
        pa.list_(pa.list_(kind)),
        pa.struct([("bytes", kind), ("path", pa.string())]),
    ]


@pytest.mark.parametrize("kind", PLAIN, ids=str)
def test_plain_types_are_allowed_wherever_they_are(kind):
    assert all(is_allowed(each) for each in wrapped(kind))


@pytest.mark.parametrize("kind", OTHER, ids=str)
def test_other_types_are_allowed_nowhere(kind):
    assert not any(is_allowed(each) for each in wrapped(kind))


def test_dictionaries_are_as_good_as_their_values():
    assert is_allowed(pa.dictionary(pa.int8(), pa.string()))
    assert not is_allowed(pa.dictionary(pa.int8(), pa.date32()))


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int32(), pa.int64(), pa.uint64()])
def test_integers_become_64_bits(kind):
    found = class_values(pa.array([3, 0, 127], kind), FIELD, 0)
    assert found.dtype == np.int64
    assert found.tolist() == [3, 0, 127]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_every_integer_of_64_bits_is_kept(values):
    assert class_values(pa.array(values, pa.int64()), FIELD, 0).tolist() == values


@given(st.lists(st.text()))
def test_every_string_is_kept(values):
    for array in (pa.array(values, pa.string()), pa.array(values, pa.large_string())):
        assert class_values(array, FIELD, 0).tolist() == values
    encoded = pa.array(values, pa.string()).dictionary_encode()
    assert class_values(encoded, FIELD, 0).tolist() == values


def test_truth_values_are_the_classes_0_and_1():
    assert class_values(pa.array([True, False]), FIELD, 0).tolist() == [1, 0]


def test_a_null_class_is_named_by_its_row_in_the_file():
    refused(class_values, pa.array([1, 2, None, 4]), "null in row 1002", 1000)
    refused(class_values, pa.array(["a", None]).dictionary_encode(), "null in row 8", 7)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([0.5]),
        pa.array([b"x"]),
        pa.array([[1]]),
        pa.array([{"a": 1}]),
        pa.array([0.5]).dictionary_encode(),
    ],
    ids=str,
)
def test_what_cannot_be_a_class_is_refused(array):
    refused(class_values, array, "must hold integers or strings", 0)


def test_an_integer_that_64_bits_do_not_hold_is_refused():
    refused(class_values, pa.array([1 << 63], pa.uint64()), "more than 63 bits", 0)


def test_a_string_that_is_not_utf8_is_refused():
    broken = pa.StringArray.from_buffers(
        1, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")
    )
    refused(class_values, broken, "not UTF-8", 0)


LISTS = [[2, 0], [], [1, 1, 3]]


@pytest.mark.parametrize("kind", [pa.list_(pa.int8()), pa.large_list(pa.int64())], ids=str)
def test_lists_of_labels_are_kept_row_by_row(kind):
    found = label_lists(pa.array(LISTS, kind), FIELD, 7, 1007)
    assert (found.first_row, found.labels.dtype) == (7, np.int64)
    assert found.labels.tolist() == [2, 0, 1, 1, 3]
    assert found.sizes.tolist() == [2, 0, 3]


@given(st.lists(st.lists(st.text(max_size=3), max_size=4), max_size=6), st.data())
def test_lists_of_strings_are_kept_in_any_slice_and_encoding(rows, data):
    first = data.draw(st.integers(0, len(rows)))
    plain = pa.array(rows, pa.list_(pa.string()))
    encoded = pa.ListArray.from_arrays(plain.offsets, plain.values.dictionary_encode())
    for array in (plain, encoded):
        found = label_lists(array[first:], FIELD, 0, 0)
        assert found.labels.tolist() == [label for row in rows[first:] for label in row]
        assert found.sizes.tolist() == [len(row) for row in rows[first:]]


def test_lists_of_fixed_length_are_labels_too():
    found = label_lists(pa.array([[1, 2], [3, 4]], pa.list_(pa.int16(), 2))[1:], FIELD, 0, 0)
    assert (found.labels.tolist(), found.sizes.tolist()) == ([3, 4], [2])


def test_rows_are_picked_with_their_labels():
    found = label_lists(pa.array(LISTS), FIELD, 0, 0).take(np.array([0, 2]))
    assert (found.labels.tolist(), found.sizes.tolist()) == ([2, 0, 1, 1, 3], [2, 3])
    assert label_lists(pa.array(LISTS), FIELD, 0, 0).take(np.array([], int)).labels.size == 0


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (pa.array([1, 2]), "holds int64; .* must hold lists"),
        (pa.array(["a"]), "must hold lists of integers or strings"),
        (pa.array([[0.5]]), "must hold integers or strings"),
        (pa.array([[[1]]]), "must hold integers or strings"),
        (pa.array([[b"x"]]), "must hold integers or strings"),
        (pa.array([[1], None]), "is null in row 101; a row without labels has an empty list"),
        (pa.array([[1, 2], None], pa.list_(pa.int32(), 2)), "is null in row 101"),
        (pa.array([[], [1], [2, None]]), "lists a null in row 102"),
        (pa.array([[None]], pa.list_(pa.string())), "lists a null in row 100"),
        (pa.array([[], [0] * 10_001]), "lists 10001 labels in row 101; there are at most 10000"),
        (pa.array([[1 << 63]], pa.list_(pa.uint64())), "more than 63 bits"),
    ],
    ids=str,
)
def test_what_are_no_lists_of_classes_is_refused(array, match):
    refused(label_lists, array, match, 0, 100)


CONTENTS = [b"one", b"", b"three\x00bytes"]


@pytest.mark.parametrize(
    "array",
    [
        pa.array(CONTENTS, pa.binary()),
        pa.array(CONTENTS, pa.large_binary()),
        pa.array(CONTENTS).dictionary_encode(),
        pa.array([{"bytes": each, "path": "/etc/passwd"} for each in CONTENTS]),
        pa.array([{"bytes": each} for each in CONTENTS]),
    ],
    ids=lambda array: str(array.type),
)
def test_bytes_are_kept_and_paths_are_not_followed(array):
    column = bytes_column(array, FIELD)
    assert [column.value(row) for row in range(len(column))] == CONTENTS


def test_bytes_of_fixed_length_are_kept():
    column = bytes_column(pa.array([b"abcd", b"efgh"], pa.binary(4)), FIELD)
    assert [column.value(0), column.value(1)] == [b"abcd", b"efgh"]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([b"x", None]),
        pa.array([{"bytes": None, "path": "image.png"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        pa.array([{"bytes": b"x"}, None]),
        pa.array([b"x", None]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)  # fmt: skip
def test_a_missing_image_is_refused(array):
    refused(bytes_column, array, "null")


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["text"]),
        pa.array([1]),
        pa.array([[1, 2]]),
        pa.array([{"path": "image.png"}]),
        pa.array([{"bytes": "text"}]),
    ],
    ids=lambda array: str(array.type),
)
def test_what_is_no_bytes_is_no_image(array):
    refused(bytes_column, array, "must hold the bytes of image files")


def test_a_dictionary_that_unfolds_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(arrow, "MAX_COLUMN_BYTES", 1000)
    repeated = pa.DictionaryArray.from_arrays(
        pa.array([0] * 10, pa.int32()), pa.array([b"x" * 100])
    )
    assert len(bytes_column(repeated, FIELD)) == 10
    with pytest.raises(InputUnsupported):
        bytes_column(pa.concat_arrays([repeated, repeated]), FIELD)
