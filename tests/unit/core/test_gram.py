"""The noise-corrected Gram matrix and both conflict matrices."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.core.folds import FoldLayout, fold_layout
from interference_service.core.gram import (
    Gram,
    Padded,
    conflict_matrix,
    cross_fold_sum,
    cross_fold_weight,
    gram_matrix,
    padded,
    plain_conflict_matrix,
)
from interference_service.core.scope import Cosines, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import random_classes

COUNTS = st.lists(st.integers(2, 7), min_size=1, max_size=4)
FOLDS = st.integers(2, 5)
SEED = st.integers(0, 2**32)
STANDARD_ERRORS = 5
"""A mean of many draws is this far from its expectation once in two million times."""


def grid_of(counts, folds: int, X) -> tuple[Padded, FoldLayout]:
    layout = fold_layout(counts, folds)
    return padded(sufficient_statistics(layout, np.asarray(X, dtype=np.float64))), layout


def gram_of(counts, folds: int, X) -> Gram:
    return gram_matrix(*grid_of(counts, folds, X))


def cosines_of(counts, folds: int, X) -> Cosines:
    statistics = sufficient_statistics(fold_layout(counts, folds), np.asarray(X, dtype=np.float64))
    C = len(counts)
    return scope_of(statistics, Setting(np.full(C, 1 / C), np.zeros(C, dtype=bool))).cosines


def test_two_classes_worked_out_by_hand():
    # Class 0 has products 2, 1, 3 across folds and the mean (4, 2) / 3; class 1 has products
    # 2, 1, 4 and the mean (−4, 3) / 3.
    gram = gram_of([3, 3], 3, [[1, 0], [2, 1], [1, 1], [-1, 0], [-2, 1], [-1, 2]])
    np.testing.assert_allclose(gram.U, [2, 7 / 3], rtol=1e-14)
    np.testing.assert_allclose(gram.G, [[2, -10 / 9], [-10 / 9, 7 / 3]], rtol=1e-14)
    np.testing.assert_allclose(gram.plain_squared_norms, [20 / 9, 25 / 9], rtol=1e-14)
    corrected = conflict_matrix(gram.G, gram.U, np.array([True, True]))
    plain = plain_conflict_matrix(gram.G, gram.plain_squared_norms)
    assert corrected[0, 1] == pytest.approx(-10 / 9 / np.sqrt(14 / 3), rel=1e-14)
    assert plain[0, 1] == pytest.approx(-1 / np.sqrt(5), rel=1e-14)
    assert np.diag(corrected).tolist() == np.diag(plain).tolist() == [1, 1]


def test_folds_of_unequal_size_weigh_by_their_pairs_of_rows():
    # Folds of 2, 1 and 1 rows with products 3, 5 and 7: (2·3 + 2·5 + 1·7) / (2 + 2 + 1).
    X = [[1, 0, 0], [3, 1, 0], [5, -8, 0]]
    grid, layout = grid_of([4], 3, X)
    assert gram_matrix(grid, layout).U.tolist() == [pytest.approx((6 + 10 + 7) / 5)]
    assert cross_fold_sum(grid).tolist() == [pytest.approx(46)]
    assert cross_fold_weight(grid).tolist() == [10]


@given(COUNTS, FOLDS, SEED)
def test_gram_and_plain_matrix_equal_brute_force(counts, folds, seed):
    rows = random_classes(counts, folds, seed=seed)
    gram = gram_of(counts, folds, rows.means_of_folds())
    wanted = rows.gram()
    np.testing.assert_allclose(gram.G, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())
    np.testing.assert_array_equal(gram.U, np.diag(gram.G))
    np.testing.assert_allclose(
        plain_conflict_matrix(gram.G, gram.plain_squared_norms), rows.plain(), rtol=0, atol=1e-12
    )


@given(COUNTS, FOLDS, SEED)
def test_corrected_matrix_equals_brute_force_where_every_norm_is_positive(counts, folds, seed):
    rows = random_classes(counts, folds, signal=4.0, features=9, seed=seed)
    gram = gram_of(counts, folds, rows.means_of_folds())
    defined = gram.U > 0
    assert defined.all()
    np.testing.assert_allclose(
        conflict_matrix(gram.G, gram.U, defined), rows.corrected(), rtol=0, atol=1e-11
    )


@given(COUNTS, FOLDS, SEED)
def test_gram_matrix_is_exactly_symmetric(counts, folds, seed):
    gram = gram_of(counts, folds, random_classes(counts, folds, seed=seed).means_of_folds())
    np.testing.assert_array_equal(gram.G, gram.G.T)


@pytest.mark.parametrize(("rows", "folds"), [(7, 3), (2, 2), (5, 8)])
def test_corrected_norms_and_products_are_unbiased_and_plain_norms_are_not(rows, folds):
    """Rows of two classes with noise of 2 per entry, drawn 3000 times."""
    generator = np.random.default_rng(rows)
    means, noise = np.array([[1.0, -0.5, 0.0, 0.25], [-0.5, 1.0, 0.5, 0.0]]), 2.0
    layout = fold_layout([rows, rows], folds)
    truth = means[layout.class_of_segment]
    spread = (noise / np.sqrt(layout.counts))[:, None]
    drawn = [
        gram_of([rows, rows], folds, truth + spread * generator.normal(size=truth.shape))
        for _ in range(3000)
    ]
    squared, bias = (means**2).sum(1), means.shape[1] * noise**2 / rows
    for values, wanted in (
        (np.array([gram.U for gram in drawn]), squared),
        (np.array([gram.G[0, 1] for gram in drawn]), means[0] @ means[1]),
        (np.array([gram.plain_squared_norms for gram in drawn]), squared + bias),
    ):
        error = np.abs(values.mean(0) - wanted)
        assert (error < STANDARD_ERRORS * values.std(0) / np.sqrt(len(values))).all()


@pytest.mark.parametrize("counts", [[6, 1], [6, 0]])
def test_fewer_than_two_rows_have_no_corrected_norm(counts):
    rows = random_classes(counts, 3)
    gram = gram_of(counts, 3, rows.means_of_folds())
    assert np.isfinite(gram.U[0])
    assert np.isnan(gram.U[1])


def test_a_class_of_one_row_has_plain_values_only():
    rows = random_classes([6, 1], 3)
    cosines = cosines_of([6, 1], 3, rows.means_of_folds())
    np.testing.assert_allclose(cosines.plain, rows.plain(), atol=1e-12)
    assert np.isnan(cosines.value[1]).all()
    assert np.isnan(cosines.value[:, 1]).all()


def test_a_class_without_rows_changes_nothing_for_the_others():
    rows = random_classes([5, 4], 3)
    X = rows.means_of_folds()
    whole, without = cosines_of([5, 0, 4], 3, X), cosines_of([5, 4], 3, X)
    for name in ("value", "plain", "lower", "upper", "p_value"):
        matrix = getattr(whole, name)
        np.testing.assert_allclose(matrix[::2, ::2], getattr(without, name), rtol=1e-12)
        assert np.isnan(matrix[1]).all()
        assert np.isnan(matrix[:, 1]).all()


def test_below_the_noise_floor_row_and_column_are_undetermined_and_never_zero():
    # The rows of class 1 point everywhere, so the products across its folds are negative.
    X = [[1, 0], [1, 0.1], [1, -0.1], [1, 0], [-0.5, 0.9], [-0.5, -0.8]]
    gram = gram_of([3, 3], 3, X)
    assert gram.U[1] < 0
    cosines = cosines_of([3, 3], 3, X)
    for matrix in (cosines.value, cosines.lower, cosines.upper, cosines.p_value):
        assert np.isnan(matrix[1]).all()
        assert np.isnan(matrix[:, 1]).all()
    assert cosines.value[0, 0] == 1
    assert np.isfinite(cosines.plain).all()
    assert not cosines.significant.any()


def test_a_cosine_beyond_one_stays():
    # Both classes have the same rows: the product of their means holds the noise, U does not.
    rows = [[1, 0.5], [1, 0.3], [1, -0.2], [1, -0.4]]
    cosines = cosines_of([4, 4], 4, rows + rows)
    assert cosines.value[0, 1] > 1
    assert cosines.plain[0, 1] == pytest.approx(1)
    opposed = cosines_of([4, 4], 4, rows + [[-x, -y] for x, y in rows])
    assert opposed.value[0, 1] == pytest.approx(-cosines.value[0, 1])
    assert opposed.value[0, 1] < -1


def test_a_class_with_zero_gradient_has_no_cosine():
    X = [[1, 0], [1, 0], [0, 0], [0, 0]]
    gram = gram_of([2, 2], 2, X)
    plain = plain_conflict_matrix(gram.G, gram.plain_squared_norms)
    np.testing.assert_array_equal(plain, [[1, np.nan], [np.nan, np.nan]])
    assert gram.U.tolist() == [1, 0]


def test_rows_that_cancel_never_have_a_negative_squared_norm():
    """Rounding alone decides the sign of the sum, so some of many draws are below zero."""
    generator, layout = np.random.default_rng(0), fold_layout([7], 8)
    for _ in range(100):
        X = generator.normal(size=(layout.num_segments, 1))
        gram = gram_of([7], 8, X - layout.weights @ X)
        assert 0 <= gram.plain_squared_norms[0] < 1e-28


@given(COUNTS, FOLDS, SEED, st.floats(1e-3, 1e3))
def test_the_gram_matrix_scales_with_the_square_of_the_gradients(counts, folds, seed, factor):
    X = random_classes(counts, folds, seed=seed).means_of_folds()
    one, other = gram_of(counts, folds, X), gram_of(counts, folds, factor * X)
    scale = np.abs(one.G).max() * factor**2
    np.testing.assert_allclose(other.G, factor**2 * one.G, rtol=0, atol=1e-12 * scale)
