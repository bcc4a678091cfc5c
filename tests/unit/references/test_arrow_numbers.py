"""Numbers of Arrow's arrays."""

import decimal
import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from interference_service.references.data.arrow import (
    number_column,
)
from support.arrow_arrays import FIELD, refused


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.uint16(), pa.int64(), pa.float16(), pa.float32(), pa.float64()], ids=str
)
def test_numbers_are_kept_with_their_type(kind):
    values = np.array([1, 2, 3], dtype=kind.to_pandas_dtype())
    found = number_column(pa.array(values, kind), FIELD).values
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype


@given(st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=1))
def test_lists_of_one_length_become_rows(rows):
    for kind in (pa.list_(pa.int32()), pa.large_list(pa.int32()), pa.list_(pa.int32(), 3)):
        array = pa.array(rows, kind)
        assert number_column(array, FIELD).values.tolist() == rows
        assert number_column(array[1:], FIELD).values.tolist() == rows[1:] if rows[1:] else True


def test_nested_lists_become_one_row_each():
    array = pa.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
    assert number_column(array, FIELD).values.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


@pytest.mark.parametrize(
    "rows",
    [
        [[1], [2, 3]],
        [[1], []],
        [[[1], [2]], [[3, 4], [5, 6]]],
        [[[1], [2, 3]], [[4], [5, 6]]],
    ],
    ids=str,
)
def test_lists_that_differ_in_length_are_refused_at_any_depth(rows):
    refused(number_column, pa.array(rows), "one length is needed")


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, None]),
        pa.array([[1], None]),
        pa.array([[1, None]]),
        pa.array([[[1], None]]),
        pa.array([[1, 2], None], pa.list_(pa.int32(), 2)),
    ],
    ids=str,
)
def test_a_missing_number_is_refused_at_any_depth(array):
    refused(number_column, array, "null")


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["1"]),
        pa.array([b"1"]),
        pa.array([["1"]]),
        pa.array([decimal.Decimal("1.5")]),
        pa.array([uuid.UUID(int=1).bytes], pa.binary(16)),
        pa.array([{"a": 1}]),
    ],
    ids=lambda array: str(array.type),
)
def test_what_is_no_number_is_refused(array):
    refused(number_column, array, "must hold numbers")
