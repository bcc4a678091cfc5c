"""Delete-one-fold values, variances and intervals."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy import stats

from interference_service.core.folds import fold_layout
from interference_service.core.gram import gram_matrix, padded
from interference_service.core.jackknife import (
    LeaveOneOut,
    Uncertainty,
    combined,
    fold_variance,
    leave_one_out,
)
from interference_service.core.metrics.classes.progress_ratio import progress_ratio
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import BruteForce, random_classes
from support.brute_force_intervals import cosine_ratio, same_bounds
from support.brute_force_variances import p_value

COUNTS = st.lists(st.integers(3, 7), min_size=2, max_size=3)
FOLDS = st.integers(3, 5)
SEED = st.integers(0, 2**32)


def scope(rows: BruteForce, folds: int, **levels: float) -> Scope:
    layout, C = fold_layout(rows.counts(), folds), rows.num_classes
    π = np.array(rows.counts()) / len(rows.labels)
    setting = Setting(π, np.zeros(C, dtype=bool), **levels)
    return scope_of(sufficient_statistics(layout, rows.means_of_folds()), setting)


def left_out(rows: BruteForce, folds: int) -> LeaveOneOut:
    layout = fold_layout(rows.counts(), folds)
    grid = padded(sufficient_statistics(layout, rows.means_of_folds()))
    return leave_one_out(grid, layout, gram_matrix(grid, layout))


def off_diagonal(row: np.ndarray, c: int) -> np.ndarray:
    return np.delete(row, c, axis=-1)


@given(COUNTS, FOLDS, SEED)
def test_every_value_equals_recomputing_without_those_rows(counts, folds, seed):
    rows = random_classes(counts, folds, seed=seed)
    found = left_out(rows, folds)
    for c in range(len(counts)):
        for k in rows.folds_of(c):
            rest = rows.without(c, k)
            wanted = np.array([rest.product(c, d) for d in range(len(counts))])
            close = {"rtol": 0, "atol": 1e-11 * np.abs(wanted).max()}
            np.testing.assert_allclose(
                off_diagonal(found.G[c, k], c), off_diagonal(wanted, c), **close
            )
            np.testing.assert_allclose(found.U[c, k], wanted[c], **close)


def test_too_few_folds_leave_nothing():
    found = left_out(random_classes([6, 2, 1], 3), 3)
    assert found.degrees_of_freedom.tolist() == [2, 1, 1]
    # Of two folds one remains: a mean, but no product across folds.
    assert np.isfinite(found.G[1, :2]).all()
    assert np.isnan(found.U[1]).all()
    assert np.isnan(found.G[2]).all()
    assert np.isnan(found.U[2]).all()
    assert found.n.tolist() == [[2, 2, 2], [1, 1, 0], [1, 0, 0]]


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=8), st.integers(1, 9))
def test_equal_folds_reduce_to_the_textbook_formula(delta, rows):
    K = len(delta)
    found = fold_variance(np.array([delta]), np.full((1, K), float(rows)))
    wanted = (K - 1) / K * ((np.array(delta) - np.mean(delta)) ** 2).sum()
    np.testing.assert_allclose(found, [wanted], rtol=1e-9, atol=1e-9)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=7), SEED)
def test_the_variance_of_a_mean_over_folds_of_any_size_is_that_of_busing(sizes, seed):
    """For a mean, δ_k is known, and so are pseudo-values: the fold's own means."""
    x, n = np.random.default_rng(seed).normal(size=len(sizes)), np.array(sizes, dtype=float)
    total, mean = n.sum(), (n * x).sum() / n.sum()
    without = (total * mean - n * x) / (total - n)
    wanted = ((x - mean) ** 2 / (total / n - 1)).mean()
    np.testing.assert_allclose(fold_variance((mean - without)[None], n[None]), [wanted], rtol=1e-9)


def test_variance_of_fewer_than_two_folds_is_undetermined():
    found = fold_variance(np.zeros((3, 2)), np.array([[3.0, 3.0], [3.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(found, [0, np.nan, np.nan])


@pytest.mark.parametrize("value", [123.0, np.nan])
def test_missing_folds_do_not_count(value):
    delta, n = np.array([[0.5, -0.25, 0.75]]), np.array([[2.0, 3.0, 2.0]])
    missing = np.concatenate([delta, [[value]]], axis=1), np.concatenate([n, [[0.0]]], axis=1)
    np.testing.assert_allclose(fold_variance(*missing), fold_variance(delta, n), rtol=1e-14)


@pytest.mark.parametrize("level", [0.0, -0.3, 0.2])
@settings(max_examples=25)
@given(
    counts=st.lists(st.integers(1, 8), min_size=2, max_size=4),
    folds=st.integers(3, 6),
    seed=SEED,
    signal=st.floats(0.3, 4.0),
)
def test_intervals_of_cosines_equal_brute_force(level, counts, folds, seed, signal):
    rows = random_classes(counts, folds, signal=signal, features=9, seed=seed)
    found = scope(rows, folds, conflict_level=level)
    for c, d in permutations(np.flatnonzero(found.defined), 2):
        ratio = cosine_ratio(rows, c, d, level)
        bounds = [found.cosines.lower[c, d], found.cosines.upper[c, d]]
        assert same_bounds(bounds, ratio.interval(rows))
        p = p_value(rows, ratio.numerator.minus(level, ratio.denominator))
        assert found.cosines.p_value[c, d] == pytest.approx(p, rel=1e-5, abs=1e-12)


def test_a_class_agrees_with_itself_without_interval_or_test():
    cosines = scope(random_classes([6, 6], 3, signal=4.0), 3).cosines
    assert np.diag(cosines.value).tolist() == [1, 1]
    for matrix in (cosines.lower, cosines.upper, cosines.p_value):
        assert np.isnan(np.diag(matrix)).all()


def test_equal_variances_add_their_degrees_of_freedom():
    found = Uncertainty(np.array([2.0, 2.0, 2.0]), 7.0).summed()
    assert found.variance == pytest.approx(6)
    assert found.degrees_of_freedom == pytest.approx(21)


def test_one_contribution_keeps_its_degrees_of_freedom():
    found = Uncertainty(np.array([3.0, 0.0]), np.array([5.0, 9.0])).summed()
    assert (found.variance, found.degrees_of_freedom) == (3, 5)


@given(
    st.lists(st.tuples(st.floats(0.01, 100), st.integers(1, 20)), min_size=1, max_size=6),
)
def test_combined_degrees_of_freedom_lie_between_the_least_and_the_sum(parts):
    variances, freedom = (np.array(each, dtype=float) for each in zip(*parts, strict=True))
    found = Uncertainty(variances, freedom).summed()
    wanted = variances.sum() ** 2 / (variances**2 / freedom).sum()
    assert found.degrees_of_freedom == pytest.approx(wanted)
    assert freedom.min() - 1e-9 <= found.degrees_of_freedom <= freedom.sum() + 1e-9


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 20)), min_size=3, max_size=6),
)
def test_contributions_combine_in_any_grouping(parts):
    variances, freedom = (np.array(each, dtype=float) for each in zip(*parts, strict=True))
    whole = Uncertainty(variances, freedom).summed()
    single = [Uncertainty(*each) for each in zip(variances, freedom, strict=True)]
    rest = Uncertainty(variances[1:], freedom[1:]).summed()
    for found in (combined(*single), combined(single[0], rest)):
        assert found.variance == pytest.approx(whole.variance)
        assert found.degrees_of_freedom == pytest.approx(whole.degrees_of_freedom)


def test_an_undetermined_contribution_leaves_the_whole_undetermined():
    found = Uncertainty(np.array([1.0, np.nan]), np.array([3.0, 0.0])).summed()
    assert np.isnan(found.variance)
    assert np.isnan(found.bounds(np.array(0.5), 0.95)).all()


def test_without_variance_the_interval_is_the_value():
    found = Uncertainty(np.zeros(2), 3.0).summed()
    lower, upper = found.bounds(np.array(0.5), 0.95)
    assert lower == upper == 0.5


def test_bounds_and_p_values_are_those_of_student():
    found = Uncertainty(np.array(4.0), np.array(5.0))
    lower, upper = found.bounds(np.array(-3.0), 0.9)
    assert (lower, upper) == pytest.approx(stats.t(5, -3, 2).interval(0.9))
    assert found.p_below(np.array(-3.0), 0.5) == pytest.approx(stats.t(5).cdf(-3.5 / 2))


@given(st.floats(-10, 10), st.floats(0.01, 10), st.floats(1, 50), st.floats(-5, 5))
def test_p_values_agree_with_one_sided_bounds(value, variance, freedom, level):
    found, estimate = Uncertainty(np.array(variance), np.array(freedom)), np.array(value)
    assume(abs(level - value) > 1e-6)
    for confidence in (0.5, 0.9, 0.99):
        _, upper = found.bounds(estimate, confidence)
        assume(abs(upper - level) > 1e-9)
        assert (found.p_below(estimate, level) < (1 - confidence) / 2) == (upper < level)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Cosine and progress ratios of two classes of 64 and 24 rows, drawn 500 times at 95 %.

    Five standard errors of such a rate are 5 %; above, 99 % leaves out intervals that say nothing.
    """
    generator, counts, folds = np.random.default_rng(4), np.array([64, 24]), 8
    means, priors = np.array([[1.0, 0.0, 1.0, 0.0], [-0.5, 1.0, 0.0, 0.5]]), np.array([0.8, 0.2])
    layout = fold_layout(counts, folds)
    truth = means[layout.class_of_segment]
    spread = 0.5 / np.sqrt(layout.counts)[:, None]
    G = means @ means.T
    cosine = G[0, 1] / np.sqrt(G[0, 0] * G[1, 1])
    ratio = 1 + priors[::-1] * G[0, 1] / (priors * np.diag(G))
    covered = []
    for _ in range(500):
        X = truth + spread * generator.normal(size=truth.shape)
        found = scope_of(sufficient_statistics(layout, X), Setting(priors, np.zeros(2, dtype=bool)))
        progress = progress_ratio(found)
        covered.append(
            [
                found.cosines.lower[0, 1] <= cosine <= found.cosines.upper[0, 1],
                *((progress.lower <= ratio) & (ratio <= progress.upper)),
            ]
        )
    rates = np.mean(covered, axis=0)
    assert ((rates > 0.90) & (rates < 0.99)).all(), rates
