"""What two sampling errors make together: between classes, and between folds of one class."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.core.folds import fold_layout
from interference_service.core.gram import gram_matrix, padded
from interference_service.core.interactions import Interactions, interactions_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import BruteForce, random_classes
from support.brute_force_variances import interaction, within

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=4).filter(any)
FOLDS = st.integers(3, 6)
SEED = st.integers(0, 2**32)


def of_means(counts, folds: int, X) -> Interactions:
    layout = fold_layout(counts, folds)
    grid = padded(sufficient_statistics(layout, np.asarray(X, dtype=np.float64)))
    return interactions_of(grid, gram_matrix(grid, layout))


def of_rows(rows: BruteForce, folds: int) -> Interactions:
    return of_means(rows.counts(), folds, rows.means_of_folds())


def test_two_classes_of_four_folds_worked_out_by_hand():
    """Errors of the folds: (±1, ±1) around (1, 0), and (±2, 0), (0, ±1) around (0, 1).

    Their products by fold are 2, −1, 2 and 1; the products of the folds of one class leave ±2/3
    and ∓4/3 of μ + a_k + a_m, those of the other ±5/6 and ∓5/3.
    """
    found = of_means(
        [4, 4],
        4,
        [[2, 1], [2, -1], [0, 1], [0, -1], [2, 1], [0, 2], [-2, 1], [0, 0]],
    )
    between = (4 + 1 + 4 + 1) / (4 * 3 * 3)
    np.testing.assert_allclose(found.between, [[0, between], [between, 0]], atol=1e-15)
    assert found.between_freedom[0, 1] == found.between_freedom[1, 0] == 3
    np.testing.assert_allclose(found.within, [4 / 9, 25 / 36], rtol=1e-14)
    assert found.within_freedom.tolist() == [2, 2]


def test_folds_with_more_rows_weigh_more():
    """Two folds of 2 rows, two of 1; errors e = (1, 1, −2, −2) and f = (1, −1, 1, −1) of one axis.

    With h = (3, 3, 6, 6) in both classes the products of errors are expected to be 4 + 4 + 25 + 25
    times the variance, and the products of folds 1, −2 and 4 leave ±1/6, ∓1/3 of μ + a_k + a_m.
    """
    found = of_means([6, 6], 4, [[1.0], [1.0], [-2.0], [-2.0], [1.0], [-1.0], [1.0], [-1.0]])
    assert found.between[0, 1] == pytest.approx((1 + 1 + 4 + 4) / (4 + 4 + 25 + 25))
    products = {(0, 1): 1, (2, 3): 4} | {(k, m): -2 for k in (0, 1) for m in (2, 3)}
    μ = sum(products.values()) / 6
    a = {k: (sum(p for pair, p in products.items() if k in pair) - 3 * μ) / 2 for k in range(4)}
    n = (2, 2, 1, 1)
    squares = sum(n[k] * n[m] * (p - μ - a[k] - a[m]) ** 2 for (k, m), p in products.items())
    τ = 2 * squares / (4 * 1)
    assert found.within[0] == pytest.approx(2 * τ / (36 - 4 - 4 - 1 - 1))


@given(COUNTS, FOLDS, SEED)
def test_variances_equal_brute_force(counts, folds, seed):
    rows = random_classes(counts, folds, seed=seed)
    found, C = of_rows(rows, folds), len(counts)
    np.testing.assert_array_equal(found.between, found.between.T)
    for c in range(C):
        variance, freedom = within(rows, c) if counts[c] else (0.0, 0)
        assert found.within[c] == pytest.approx(variance, rel=1e-9, abs=1e-12)
        assert found.within_freedom[c] == max(freedom, 1)
        for d in range(C):
            if c != d and counts[c] and counts[d]:
                variance, freedom = interaction(rows, c, d)
                assert found.between[c, d] == pytest.approx(variance, rel=1e-9, abs=1e-12)
                assert found.between_freedom[c, d] == max(freedom, 1)


@pytest.mark.parametrize(("counts", "folds"), [([8, 16], 8), ([12, 4], 4), ([15, 10], 5)])
def test_both_are_unbiased_for_folds_of_one_size(counts, folds):
    """Means of 2000 draws, within four of their standard errors."""
    generator, layout = np.random.default_rng(7), fold_layout(counts, folds)
    means = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]])[layout.class_of_segment]
    roots = np.array([[2.0, 1.0, 0.5], [0.5, 1.0, 1.5]])
    spread = roots[layout.class_of_segment] / np.sqrt(layout.counts)[:, None]
    drawn = []
    for _ in range(2000):
        found = of_means(counts, folds, means + spread * generator.normal(size=means.shape))
        drawn.append([found.between[0, 1], *found.within])
    n, Σ = np.array(counts), roots**2
    pairs_of_folds = n**2 * (1 - 1 / folds)
    wanted = [(Σ[0] * Σ[1]).sum() / n.prod(), *(2 * (Σ**2).sum(1) / pairs_of_folds)]
    error = np.std(drawn, axis=0) / np.sqrt(len(drawn))
    assert (np.abs(np.mean(drawn, axis=0) - wanted) < 4 * error).all()


def test_what_is_between_classes_is_unbiased_also_for_folds_of_any_size():
    """As for folds of one size, with 7 rows of a class in 4 folds and 9 rows of the other in 5."""
    generator, layout = np.random.default_rng(8), fold_layout([7, 9], 5)
    roots = np.array([[2.0, 1.0, 0.5], [0.5, 1.0, 1.5]])
    spread = roots[layout.class_of_segment] / np.sqrt(layout.counts)[:, None]
    drawn = [
        of_means([7, 9], 5, spread * generator.normal(size=spread.shape)).between[0, 1]
        for _ in range(2000)
    ]
    wanted = (roots[0] ** 2 * roots[1] ** 2).sum() / (7 * 9)
    assert abs(np.mean(drawn) - wanted) < 4 * np.std(drawn) / np.sqrt(len(drawn))


@given(FOLDS, SEED)
def test_too_few_folds_have_no_variance_of_their_own(folds, seed):
    found = of_rows(random_classes([9, 3, 2, 1, 0], folds, seed=seed), folds)
    # Two errors need two folds that both classes have, the errors of two folds need four.
    wanted = np.zeros((5, 5), dtype=bool)
    wanted[:3, :3] = ~np.eye(3, dtype=bool)
    np.testing.assert_array_equal(found.between > 0, wanted)
    np.testing.assert_array_equal(found.within > 0, [folds >= 4, False, False, False, False])
    assert (found.between_freedom >= 1).all()
    assert (found.within_freedom >= 1).all()


@given(st.integers(1, 3), FOLDS, SEED, st.randoms())
def test_the_order_of_classes_and_of_folds_does_not_matter(rows_per_fold, folds, seed, random):
    C, counts = 3, [rows_per_fold * folds] * 3
    X = random_classes(counts, folds, seed=seed).means_of_folds().reshape(C, folds, -1)
    classes, order = random.sample(range(C), C), random.sample(range(folds), folds)
    one = of_means(counts, folds, X.reshape(C * folds, -1))
    other = of_means(counts, folds, X[classes][:, order].reshape(C * folds, -1))
    np.testing.assert_allclose(other.between, one.between[np.ix_(classes, classes)], rtol=1e-9)
    np.testing.assert_allclose(other.within, one.within[classes], rtol=1e-9)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), FOLDS, SEED, st.floats(0.1, 10))
def test_gradients_of_another_scale_have_variances_of_its_square_and_fourth_power(
    counts, folds, seed, factor
):
    rows = random_classes(counts, folds, seed=seed)
    one = of_rows(rows, folds)
    rows.gradients[rows.labels == 0] *= factor
    other = of_rows(rows, folds)
    squared = np.where(np.arange(len(counts)) == 0, factor**2, 1.0)
    by_pair = np.outer(squared, squared)
    np.testing.assert_allclose(other.between, one.between * by_pair, rtol=1e-8)
    np.testing.assert_allclose(other.within, one.within * squared**2, rtol=1e-8)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), FOLDS, SEED)
def test_the_true_gradients_do_not_matter(counts, folds, seed):
    rows = random_classes(counts, folds, seed=seed)
    one = of_rows(rows, folds)
    shift = np.random.default_rng(seed).normal(size=(len(counts), rows.gradients.shape[1]))
    rows.gradients += 10 * shift[rows.labels]
    other = of_rows(rows, folds)
    np.testing.assert_allclose(other.between, one.between, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.within, one.within, rtol=1e-6, atol=1e-9)
