"""Which rows are analysed, and where they lie among those that are read."""

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.compute.selection import Selection, select
from interference_service.core.sampling import BottomK, row_keys
from interference_service.errors import InvalidData


def sampled(labels: np.ndarray, cuts: list[int], k: int) -> Selection:
    """The selection of rows that are cut into fragments at these places."""
    keys = row_keys(0, "rows", np.arange(len(labels)))
    samples, classes = [], []
    edges = [0, *sorted(cuts), len(labels)]
    for index, (start, stop) in enumerate(pairwise(edges)):
        values, codes = np.unique(labels[start:stop], return_inverse=True)
        samples.append(
            BottomK.of(
                codes,
                keys[start:stop],
                index,
                np.arange(stop - start),
                num_classes=len(values),
                k=k,
            )
        )
        classes.append(values.astype(np.int64))
    return select(samples, classes, 3)


def absolute(selection: Selection, cuts: list[int]) -> list[int]:
    starts = np.array([0, *sorted(cuts)])
    return (starts[selection.fragment] + selection.row).tolist()


@given(
    labels=st.lists(st.integers(0, 2), min_size=2, max_size=60).filter(lambda x: len(set(x)) > 1),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    k=st.integers(0, 7),
)
def test_the_same_rows_are_selected_however_the_data_is_cut(labels, cuts, k):
    labels, cuts = np.array(labels), [min(cut, len(labels)) for cut in cuts]
    whole, parts = sampled(labels, [], k), sampled(labels, cuts, k)
    assert absolute(whole, []) == absolute(parts, cuts)
    counts = np.bincount(labels, minlength=3)
    assert parts.rows_in_data.tolist() == counts.tolist()
    assert parts.rows_available.tolist() == counts.tolist()
    assert parts.rows_used.tolist() == (np.minimum(counts, k) if k else counts).tolist()


def test_selected_rows_are_found_among_those_that_were_read():
    labels = np.array([0, 1, 0, 1, 2, 2, 0, 1, 1, 0])
    selection = sampled(labels, [4, 7], 2)
    rows = np.arange(len(selection.row))[::-1].copy()
    fragment, position = selection.positions(rows)
    found = [int(selection.wanted(int(f))[p]) for f, p in zip(fragment, position, strict=True)]
    assert found == selection.row[rows].tolist()
    assert fragment.tolist() == selection.fragment[rows].tolist()


@given(
    labels=st.lists(st.integers(0, 2), min_size=2, max_size=60).filter(lambda x: len(set(x)) > 1),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    parts=st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), max_size=4),
)
def test_rounds_part_the_rows_by_rank_and_find_them_among_those_they_read(labels, cuts, parts):
    labels, cuts = np.array(labels), [min(cut, len(labels)) for cut in cuts]
    whole = sampled(labels, cuts, 0)
    ends = np.minimum(np.cumsum(np.array([[0] * 3, *parts]), axis=0), whole.rows_used)
    found_by_class: list[list[int]] = [[], [], []]
    for before, after in pairwise([*ends, whole.rows_used]):
        part = whole.between(before, after)
        assert part.rows_used.tolist() == (after - before).tolist()
        fragment, position = part.positions(np.arange(len(part.row)))
        found = [int(part.wanted(int(f))[p]) for f, p in zip(fragment, position, strict=True)]
        assert found == part.row.tolist()
        for c, rows in enumerate(np.split(absolute(part, cuts), np.cumsum(part.rows_used)[:-1])):
            found_by_class[c] += rows.tolist()
    assert [*chain(*found_by_class)] == absolute(whole, cuts)


def test_the_rows_of_a_smaller_sample_are_the_first_of_a_larger_one():
    labels = np.array([0, 1, 0, 1, 2, 2, 0, 1, 1, 0])
    first = sampled(labels, [4], 0).between(np.zeros(3, dtype=int), np.array([2, 2, 2]))
    assert absolute(first, [4]) == absolute(sampled(labels, [4], 2), [4])


def test_one_class_alone_is_refused():
    with pytest.raises(InvalidData, match="needs two"):
        sampled(np.array([1, 1, 1]), [], 0)
