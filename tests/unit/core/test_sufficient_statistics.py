"""Inner products of mean gradients."""

import numpy as np
import pytest

from interference_service.core import sufficient_statistics as module
from interference_service.core.folds import fold_layout
from interference_service.core.sufficient_statistics import (
    SufficientStatistics,
    sufficient_statistics,
)
from support.brute_force import BruteForce, random_classes

FOLDS = 4
COUNTS = (9, 2, 1, 6)


@pytest.fixture(name="rows")
def _rows() -> BruteForce:
    return random_classes(COUNTS, FOLDS, features=37, seed=1)


@pytest.fixture(name="layout")
def _layout():
    return fold_layout(COUNTS, FOLDS)


def assert_same(one: SufficientStatistics, other: SufficientStatistics, tolerance: float) -> None:
    for found, wanted in ((one.A, other.A), (one.B, other.B)):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


def test_every_entry_is_the_inner_product_it_says(rows, layout):
    found = sufficient_statistics(layout, rows.means_of_folds())
    row = 0
    for c in range(len(COUNTS)):
        for k in rows.folds_of(c):
            mine = rows.gradients[(rows.labels == c) & (rows.folds == k)].mean(0)
            for d in range(len(COUNTS)):
                assert found.A[row, d] == pytest.approx(mine @ rows.mean(d), rel=1e-12, abs=1e-12)
            for m in range(FOLDS):
                theirs = rows.gradients[(rows.labels == c) & (rows.folds == m)]
                wanted = mine @ theirs.mean(0) if len(theirs) else 0.0
                assert found.B[row, m] == pytest.approx(wanted, rel=1e-12, abs=1e-12)
            row += 1
    assert row == len(found.A)


def test_two_classes_worked_out_by_hand():
    # Class 0: folds of 2 and 1 rows with means (3, 0) and (0, 3), so its mean is (2, 1).
    layout = fold_layout([3, 1], 2)
    found = sufficient_statistics(layout, np.array([[3.0, 0.0], [0.0, 3.0], [1.0, -1.0]]))
    assert found.A.tolist() == [[6.0, 3.0], [3.0, -3.0], [1.0, 2.0]]
    assert found.B.tolist() == [[9.0, 0.0], [0.0, 9.0], [2.0, 0.0]]


@pytest.mark.parametrize("cuts", [[5], [1, 2, 3], list(range(1, 37))])
def test_statistics_of_blocks_of_columns_add_up(rows, layout, cuts):
    X = rows.means_of_folds()
    total = SufficientStatistics.zero(layout)
    for block in np.split(X, cuts, axis=1):
        total += sufficient_statistics(layout, block)
    assert_same(total, sufficient_statistics(layout, X), tolerance=1e-12)


def test_the_size_of_the_blocks_inside_does_not_matter(rows, layout, monkeypatch):
    X = rows.means_of_folds()
    whole = sufficient_statistics(layout, X)
    monkeypatch.setattr(module, "_BLOCK_ENTRIES", 3 * len(X))
    assert_same(sufficient_statistics(layout, X), whole, tolerance=1e-12)


def test_narrow_gradients_are_summed_in_64_bits():
    """In 32 bits 1 + 2⁻²⁴ is 1, so a sum there would lose every small product."""
    X = np.full((2, 1 << 12), 2.0**-12, dtype=np.float32)
    X[:, 0] = 1.0
    found = sufficient_statistics(fold_layout([2], 2), X)
    wanted = 1.0 + ((1 << 12) - 1) * 2.0**-24
    assert found.A.dtype == found.B.dtype == np.float64
    assert np.float32(1.0) + np.float32(2.0**-24) == np.float32(1.0)
    np.testing.assert_array_equal(found.A, [[wanted], [wanted]])
    np.testing.assert_array_equal(found.B, np.full((2, 2), wanted))


def test_a_class_without_rows_has_zero_products():
    found = sufficient_statistics(fold_layout([2, 0], 2), np.ones((2, 3)))
    assert found.A.tolist() == [[3.0, 0.0], [3.0, 0.0]]


@pytest.mark.parametrize("counts", [[2, 1], [0, 0]])
def test_no_parameters_have_zero_statistics(counts):
    layout = fold_layout(counts, 2)
    found = sufficient_statistics(layout, np.zeros((layout.num_segments, 0)))
    assert found.A.shape == (layout.num_segments, len(counts))
    assert found.B.shape == (layout.num_segments, layout.folds)
    assert not found.A.any()
    assert not found.B.any()
