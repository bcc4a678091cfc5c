"""Descent rate, progress ratio, suppression and support."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from interference_service.core.folds import fold_layout
from interference_service.core.metrics import CLASS_METRICS
from interference_service.core.metrics.classes.descent_rate import descent_rate
from interference_service.core.metrics.classes.descent_rate_simultaneous import (
    descent_rate_simultaneous,
)
from interference_service.core.metrics.classes.main_suppressor import main_suppressor
from interference_service.core.metrics.classes.progress_ratio import progress_ratio
from interference_service.core.metrics.classes.progress_ratio_simultaneous import (
    progress_ratio_simultaneous,
)
from interference_service.core.metrics.classes.significant_suppression import (
    significant_suppression,
)
from interference_service.core.metrics.classes.support import support
from interference_service.core.metrics.classes.suppression import suppression
from interference_service.core.metrics.layers.progress import progress as layer_progress
from interference_service.core.metrics.layers.suppression import suppression as layer_suppression
from interference_service.core.metrics.pairs.suppression import suppression as suppression_by_class
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import BruteForce, random_classes
from support.brute_force_intervals import TOGETHER, descent, ratios_of_class, same_bounds
from support.brute_force_variances import interval

COUNTS = st.lists(st.integers(3, 7), min_size=2, max_size=4)
ANY_COUNTS = st.lists(st.integers(1, 8), min_size=2, max_size=4)
FOLDS = st.integers(3, 5)
SEED = st.integers(0, 2**32)
SLOW = ("progress_ratio", "suppression", "support", "significant_suppression")
NO_NORM = np.nan
"""The norm of the parameters, which interference does not depend on."""


def scope(
    counts, folds: int, X, *, priors=None, minorities=None, confidence: float = 0.95
) -> Scope:
    π = np.asarray(counts if priors is None else priors, dtype=np.float64)
    mask = np.zeros(len(π), dtype=bool) if minorities is None else np.array(minorities)
    setting = Setting(π / π.sum(), mask, confidence_level=confidence)
    statistics = sufficient_statistics(fold_layout(counts, folds), np.asarray(X, dtype=np.float64))
    return scope_of(statistics, setting)


def scope_of_rows(rows: BruteForce, folds: int, **changes) -> Scope:
    return scope(rows.counts(), folds, rows.means_of_folds(), **changes)


def exact(*means, counts=None) -> Scope:
    """Classes whose rows all have the same gradient, so that nothing is uncertain."""
    counts = [3] * len(means) if counts is None else counts
    return scope(counts, 3, np.repeat(np.array(means, dtype=float), 3, axis=0))


def test_three_classes_worked_out_by_hand():
    # π = (.5, .25, .25); G = [[4, −2, 2], [−2, 2, 0], [2, 0, 2]].
    found = exact([2, 0], [-1, 1], [1, 1], counts=[6, 3, 3])
    close = {"rtol": 0, "atol": 1e-14}
    np.testing.assert_allclose(descent_rate(found).values, [2, -0.5, 1.5], **close)
    np.testing.assert_allclose(progress_ratio(found).values, [1, -1, 3], **close)
    np.testing.assert_allclose(suppression(found).values, [0.25, 2, 0], **close)
    np.testing.assert_allclose(support(found).values, [0.25, 0, 2], **close)
    np.testing.assert_allclose(
        suppression_by_class(found), [[0, 0.25, 0], [2, 0, 0], [0, 0, 0]], **close
    )
    assert main_suppressor(found).tolist() == [1, 0, -1]


def test_identical_rows_leave_nothing_uncertain():
    found = exact([2, 0], [-1, 1], [1, 1], counts=[6, 3, 3])
    for metric in (descent_rate, progress_ratio, suppression, support):
        column = metric(found)
        np.testing.assert_allclose(column.lower, column.values, rtol=0, atol=1e-6)
        np.testing.assert_allclose(column.upper, column.values, rtol=0, atol=1e-6)


@settings(max_examples=40)
@given(counts=ANY_COUNTS, folds=st.integers(3, 6), seed=SEED, signal=st.floats(0.3, 4.0))
def test_values_and_intervals_equal_brute_force(counts, folds, seed, signal):
    rows, π = (
        random_classes(counts, folds, signal=signal, seed=seed),
        np.array(counts) / sum(counts),
    )
    found = scope_of_rows(rows, folds, confidence=0.9)
    columns = {name: CLASS_METRICS[name].compute(found) for name in SLOW}
    for c in np.flatnonzero(found.defined):
        significant = np.flatnonzero(found.cosines.significant[c])
        for name, ratio in ratios_of_class(rows, π, c, significant).items():
            column = columns[name]
            assert column.values[c] == pytest.approx(ratio.value(rows), rel=1e-6, abs=1e-9)
            bounds = [column.lower[c], column.upper[c]]
            assert same_bounds(bounds, ratio.interval(rows, 0.9)), (name, c)


@pytest.mark.parametrize("sign", [1, -1])
def test_where_nothing_conflicts_the_suppression_is_surely_zero(sign):
    # Noise of the norms alone; the inner products of the two classes have one sign without any fold.
    rows = random_classes([24, 24], 8, features=3, signal=0.0, seed=3)
    rows.gradients[:, 0] += np.where(rows.labels == 0, 2.0, 2.0 * sign)
    found = scope_of_rows(rows, 8)
    assert found.defined.all()
    for metric in (suppression, significant_suppression) if sign > 0 else (support,):
        column = metric(found)
        for part in (column.values, column.lower, column.upper):
            np.testing.assert_array_equal(part, 0)


@settings(max_examples=40)
@given(counts=ANY_COUNTS, folds=st.integers(3, 6), seed=SEED, signal=st.floats(0.0, 4.0))
def test_a_descent_rate_equals_brute_force_also_below_the_noise_floor(counts, folds, seed, signal):
    rows, π = (
        random_classes(counts, folds, signal=signal, seed=seed),
        np.array(counts) / sum(counts),
    )
    C, minorities = len(counts), np.arange(len(counts)) % 2 == 0
    found = scope_of_rows(rows, folds, minorities=minorities)
    with_interval = np.array([len(rows.folds_of(c)) > 2 for c in range(C)])
    level = TOGETHER ** (1 / max(1, (with_interval & minorities).sum()))
    for column, confidence in (
        (descent_rate(found), 0.95),
        (descent_rate_simultaneous(found), level),
    ):
        np.testing.assert_array_equal(np.isfinite(column.upper), with_interval)
        for c in np.flatnonzero(with_interval):
            rate = descent(rows, π, c)
            assert column.values[c] == pytest.approx(rate.of(rows), rel=1e-9, abs=1e-9)
            bounds = [column.lower[c], column.upper[c]]
            assert same_bounds(bounds, interval(rows, rate, confidence))


@given(COUNTS, FOLDS, SEED, st.floats(0.2, 4.0))
def test_progress_is_one_plus_support_minus_suppression(counts, folds, seed, signal):
    found = scope_of_rows(random_classes(counts, folds, signal=signal, seed=seed), folds)
    wanted = 1 + support(found).values - suppression(found).values
    np.testing.assert_allclose(progress_ratio(found).values, wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(np.isnan(wanted), ~found.defined)


@given(COUNTS, FOLDS, SEED)
def test_progress_is_the_descent_rate_over_the_own_progress(counts, folds, seed):
    found = scope_of_rows(random_classes(counts, folds, signal=4.0, seed=seed), folds)
    own = found.setting.priors * np.where(found.defined, found.gram.U, np.nan)
    np.testing.assert_allclose(
        progress_ratio(found).values, descent_rate(found).values / own, rtol=1e-9, atol=1e-9
    )


@given(COUNTS, FOLDS, SEED)
def test_suppression_is_the_sum_of_what_every_class_suppresses(counts, folds, seed):
    found = scope_of_rows(random_classes(counts, folds, signal=4.0, seed=seed), folds)
    by_class = suppression_by_class(found)
    np.testing.assert_allclose(by_class.sum(1), suppression(found).values, rtol=1e-12)
    assert (by_class[found.defined] >= 0).all()
    assert not np.diag(by_class)[found.defined].any()


@given(COUNTS, FOLDS, SEED)
def test_the_main_suppressor_suppresses_most(counts, folds, seed):
    found = scope_of_rows(random_classes(counts, folds, signal=4.0, seed=seed), folds)
    by_class = suppression_by_class(found)
    for c, d in enumerate(main_suppressor(found)):
        if d < 0:
            assert np.isnan(by_class[c]).all() or not by_class[c].any()
        else:
            assert by_class[c, d] == by_class[c].max() > 0


@given(COUNTS, FOLDS, SEED)
def test_significant_suppression_is_the_part_of_significant_pairs(counts, folds, seed):
    found = scope_of_rows(random_classes(counts, folds, signal=4.0, seed=seed), folds)
    wanted = np.where(found.cosines.significant, suppression_by_class(found), 0.0).sum(1)
    values = significant_suppression(found).values
    np.testing.assert_allclose(values[found.defined], wanted[found.defined], rtol=1e-12)
    assert np.isnan(values[~found.defined]).all()
    assert (values[found.defined] <= suppression(found).values[found.defined] + 1e-12).all()


@given(COUNTS, FOLDS, SEED, st.lists(st.integers(1, 8), max_size=3))
def test_contributions_of_layers_add_up_to_the_progress_ratio(counts, folds, seed, cuts):
    X = random_classes(counts, folds, signal=4.0, features=9, seed=seed).means_of_folds()
    found = scope(counts, folds, X)
    layers = [scope(counts, folds, block) for block in np.split(X, sorted(cuts), axis=1)]
    np.testing.assert_allclose(
        sum(layer_progress(found, each, NO_NORM) for each in layers),
        progress_ratio(found).values,
        rtol=1e-9,
        atol=1e-9,
    )
    # What conflicts in one layer and agrees in another cancels in the scope only.
    parts = sum(layer_suppression(found, each, NO_NORM) for each in layers)
    whole = suppression(found).values
    assert (parts[found.defined] >= whole[found.defined] - 1e-9).all()


def test_a_layer_is_measured_against_the_progress_in_the_shared_scope():
    # Of U = 5 of class 0 the layers hold 1 and 4; they oppose class 1 by −1 and +2.
    X = np.repeat([[1.0, 2.0], [-1.0, 1.0]], 3, axis=0)
    found = scope([3, 3], 3, X)
    for layer, suppressed, gained in ((X[:, :1], 0.2, 0.0), (X[:, 1:], 0.0, 1.2)):
        part = scope([3, 3], 3, layer)
        assert layer_suppression(found, part, NO_NORM)[0] == pytest.approx(suppressed)
        assert layer_progress(found, part, NO_NORM)[0] == pytest.approx(gained)


@given(COUNTS, FOLDS, SEED, st.lists(st.booleans(), min_size=4, max_size=4))
def test_simultaneous_bounds_contain_the_pointwise_ones(counts, folds, seed, mask):
    rows = random_classes(counts, folds, signal=4.0, seed=seed)
    found = scope_of_rows(rows, folds, minorities=mask[: len(counts)])
    for one, all_at_once in (
        (progress_ratio(found), progress_ratio_simultaneous(found)),
        (descent_rate(found), descent_rate_simultaneous(found)),
    ):
        np.testing.assert_array_equal(all_at_once.values, one.values)
        known = ~np.isnan(one.upper)
        np.testing.assert_array_equal(~np.isnan(all_at_once.upper), known)
        assert (all_at_once.lower <= one.lower)[known].all()
        assert (all_at_once.upper >= one.upper)[known].all()


@pytest.mark.parametrize(("asked", "together"), [(0.9, TOGETHER), (0.95, TOGETHER), (0.999, 0.999)])
def test_simultaneous_bounds_are_those_of_sidak_over_the_judged_minorities(asked, together):
    # Three minorities, of which one has a single row and cannot be judged.
    rows = random_classes([9, 6, 6, 1], 3, signal=4.0, seed=1)
    minorities = [False, True, True, True]
    found = scope_of_rows(rows, 3, minorities=minorities, confidence=asked)
    stricter = scope_of_rows(rows, 3, confidence=together**0.5)
    for all_at_once, one in (
        (progress_ratio_simultaneous(found), progress_ratio(stricter)),
        (descent_rate_simultaneous(found), descent_rate(stricter)),
    ):
        np.testing.assert_allclose(all_at_once.lower, one.lower, rtol=1e-12)
        np.testing.assert_allclose(all_at_once.upper, one.upper, rtol=1e-12)


def test_given_priors_weigh_the_classes_instead_of_their_rows():
    rows, priors = random_classes([6, 6, 6], 3, signal=4.0, seed=5), np.array([0.7, 0.2, 0.1])
    found = scope_of_rows(rows, 3, priors=priors)
    for metric, slow in (
        (progress_ratio, BruteForce.progress_ratio),
        (suppression, BruteForce.suppression),
    ):
        np.testing.assert_allclose(metric(found).values, slow(rows, priors), rtol=1e-9)


@pytest.mark.parametrize("metric", [descent_rate, progress_ratio, suppression, support])
def test_a_class_without_rows_changes_nothing_for_the_others(metric):
    rows = random_classes([6, 5, 4], 3, signal=4.0, seed=6)
    X = rows.means_of_folds()
    whole, without = metric(scope([6, 0, 5, 4], 3, X)), metric(scope([6, 5, 4], 3, X))
    for part in ("values", "lower", "upper"):
        found = getattr(whole, part)
        np.testing.assert_allclose(found[[0, 2, 3]], getattr(without, part), rtol=1e-12)
        assert np.isnan(found[1])


def test_a_class_of_one_row_counts_with_its_own_summand_as_standard_error():
    # Class 0 is certain, and −π₁ G₀₁ / (π₀ U₀) = 1/4 · 3 / (3/4 · 1) = 1.
    found = scope([3, 1], 3, [[1.0, 0.0]] * 3 + [[-3.0, 1.0]])
    column = suppression(found)
    assert column.values[0] == pytest.approx(1)
    # Student's quantile for one degree of freedom at 95 %.
    assert column.upper[0] - 1 == pytest.approx(12.706, abs=1e-3)
    assert progress_ratio(found).values[0] == pytest.approx(0)
    assert np.isnan(column.values[1])
    assert main_suppressor(found).tolist() == [1, -1]


def test_a_class_with_zero_gradient_neither_helps_nor_hinders():
    found = exact([2, 0], [0, 0], [-1, 1])
    assert suppression_by_class(found)[0].tolist() == [0, 0, 0.5]
    for values in (
        progress_ratio(found).values,
        suppression(found).values,
        layer_progress(found, found, NO_NORM),
        layer_suppression(found, found, NO_NORM),
    ):
        assert np.isnan(values).tolist() == [False, True, False]
    assert main_suppressor(found).tolist() == [2, -1, 0]


def test_a_class_without_a_share_has_no_ratios_and_moves_nobody():
    rows = random_classes([6, 6, 6], 3, signal=4.0, seed=3)
    whole = scope_of_rows(rows, 3, priors=[2, 0, 1])
    kept = rows.labels != 1
    rest = BruteForce(rows.gradients[kept], rows.labels[kept] // 2, rows.folds[kept], 2)
    without = scope_of_rows(rest, 3, priors=[2, 1])
    assert whole.defined.all()
    for metric in (descent_rate, progress_ratio, suppression, support):
        column, wanted = metric(whole), metric(without)
        for part in ("values", "lower", "upper"):
            found = getattr(column, part)
            np.testing.assert_allclose(found[[0, 2]], getattr(wanted, part), rtol=1e-9)
            assert np.isnan(found[1])
