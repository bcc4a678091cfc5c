"""How the rows of every class are dealt into folds."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.core.folds import fold_layout

ROWS = st.lists(st.integers(0, 40), min_size=1, max_size=8)
FOLDS = st.integers(1, 12)


def dealt(rows: int, folds: int) -> list[int]:
    """Sizes of the folds when rows are dealt one by one."""
    sizes = Counter(rank % min(folds, rows) for rank in range(rows))
    return [sizes[fold] for fold in sorted(sizes)]


def test_ten_rows_in_four_folds():
    layout = fold_layout([10], 4)
    assert layout.counts.tolist() == [3, 3, 2, 2]
    assert layout.weights.tolist() == [0.3, 0.3, 0.2, 0.2]


def test_segments_are_ordered_by_class_and_then_by_fold():
    layout = fold_layout([3, 0, 1, 5], 2)
    assert layout.class_of_segment.tolist() == [0, 0, 2, 3, 3]
    assert layout.fold_of_segment.tolist() == [0, 1, 0, 0, 1]
    assert layout.counts.tolist() == [2, 1, 1, 3, 2]
    assert layout.folds_of_class.tolist() == [2, 0, 1, 2]
    assert (layout.num_classes, layout.num_segments) == (4, 5)
    assert [layout.segments_of(c) for c in range(4)] == [
        slice(0, 2),
        slice(2, 2),
        slice(2, 3),
        slice(3, 5),
    ]


def test_fewer_rows_than_folds_make_folds_of_one_row():
    assert fold_layout([3], 8).counts.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("rows", "sizes"), [(0, []), (1, [1])])
def test_a_class_of_at_most_one_row_has_that_many_folds(rows, sizes):
    layout = fold_layout([rows], 8)
    assert layout.counts.tolist() == sizes
    assert layout.folds_of_class.tolist() == [rows]


def test_classes_without_any_rows_have_no_segments():
    layout = fold_layout([0, 0], 8)
    assert layout.num_segments == 0
    assert layout.weights.tolist() == []


@given(rows=ROWS, folds=FOLDS)
def test_every_row_is_dealt_once_as_if_dealt_one_by_one(rows, folds):
    layout = fold_layout(rows, folds)
    for c, n in enumerate(rows):
        assert layout.counts[layout.segments_of(c)].tolist() == dealt(n, folds)
    assert layout.counts.sum() == sum(rows)


@given(rows=ROWS, folds=FOLDS)
def test_folds_of_a_class_are_filled_and_differ_by_one_row_at_most(rows, folds):
    layout = fold_layout(rows, folds)
    for c, n in enumerate(rows):
        counts = layout.counts[layout.segments_of(c)]
        assert len(counts) == min(folds, n)
        assert n == 0 or (counts.min() >= 1 and counts.max() - counts.min() <= 1)


@given(rows=ROWS, folds=FOLDS)
def test_weights_of_a_class_sum_to_one(rows, folds):
    layout = fold_layout(rows, folds)
    sums = np.bincount(layout.class_of_segment, layout.weights, minlength=len(rows))
    np.testing.assert_allclose(sums, np.minimum(rows, 1), atol=1e-12)
