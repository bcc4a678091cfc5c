"""Columns are cut, picked and joined without a value lost or moved."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.references.data.columns import (
    BytesColumn,
    NumberColumn,
    RaggedColumn,
    Rows,
)

contents = st.lists(st.binary(max_size=5))


def values(column: BytesColumn) -> list[bytes]:
    return [column.value(row) for row in range(len(column))]


def rows_of(column: list[bytes]) -> Rows:
    """Rows whose numbers tell the length of their bytes, and whose lists have the bytes one by one."""
    held = {
        "b": BytesColumn.of(column),
        "n": NumberColumn(np.array([len(each) for each in column])),
        "l": RaggedColumn.of([list(each) for each in column]),
    }
    return Rows(held, len(column))


def lists(column: RaggedColumn) -> list[bytes]:
    parts = np.split(column.values, column.ends)[: len(column)]
    assert [len(part) for part in parts] == column.sizes.tolist()
    return [bytes(part.tolist()) for part in parts]


@given(contents)
def test_bytes_are_kept_row_by_row(column):
    assert values(BytesColumn.of(column)) == column


@given(st.data())
def test_rows_are_picked_in_the_order_asked_for(data):
    column = data.draw(st.lists(st.binary(max_size=5), min_size=1))
    picked = data.draw(st.lists(st.integers(0, len(column) - 1)))
    taken = rows_of(column).take(np.array(picked, dtype=np.int64))
    assert taken.count == len(picked)
    assert values(taken.columns["b"]) == [column[row] for row in picked]
    assert lists(taken.columns["l"]) == [column[row] for row in picked]
    assert taken.columns["n"].values.tolist() == [len(column[row]) for row in picked]


@given(st.lists(contents, min_size=1, max_size=4))
def test_parts_are_joined_in_order(parts):
    joined = Rows.concatenate([rows_of(part) for part in parts])
    whole = [each for part in parts for each in part]
    assert joined.count == len(whole)
    assert values(joined.columns["b"]) == whole
    assert lists(joined.columns["l"]) == whole
    assert joined.columns["n"].values.tolist() == [len(each) for each in whole]


def test_picking_owns_its_numbers():
    numbers = np.arange(4)
    taken = NumberColumn(numbers).take(np.array([0, 1]))
    numbers[:] = 9
    assert taken.values.tolist() == [0, 1]


def test_a_row_that_is_not_there_is_no_row():
    with pytest.raises(IndexError):
        BytesColumn.of([b"a"]).value(1)
