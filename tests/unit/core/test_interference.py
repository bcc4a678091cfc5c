"""Descent rate, progress ratio, suppression and support."""

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from interference_service.core.folds import fold_layout
from interference_service.core.metrics import CLASS_METRICS, LAYER_METRICS
from interference_service.core.metrics.descent import (
    descent_rate,
    progress_ratio,
    progress_ratio_simultaneous,
)
from interference_service.core.metrics.suppression import (
    layer_progress,
    layer_suppression,
    main_suppressor,
    significant_suppression,
    support,
    suppression,
    suppression_by_class,
)
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import BruteForce, random_classes

COUNTS = st.lists(st.integers(3, 7), min_size=2, max_size=4)
FOLDS = st.integers(3, 5)
SEED = st.integers(0, 2**32)
SLOW = {
    "descent_rate": BruteForce.descent_rate,
    "progress_ratio": BruteForce.progress_ratio,
    "suppression": BruteForce.suppression,
    "support": BruteForce.support,
}
UNCHANGED_BY_SCALE = (
    "progress_ratio",
    "progress_ratio_simultaneous",
    "suppression",
    "support",
    "share_of_update",
)
NO_NORMS = np.array([])
"""The norms of the parameters, which interference does not depend on."""


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


@pytest.mark.parametrize("name", SLOW)
@given(counts=COUNTS, folds=FOLDS, seed=SEED)
def test_values_and_intervals_equal_brute_force(name, counts, folds, seed):
    rows = random_classes(counts, folds, signal=4.0, features=9, seed=seed)
    found = scope_of_rows(rows, folds)
    assume(found.defined.all())
    priors = np.array(counts) / sum(counts)
    column = CLASS_METRICS[name].compute(found)

    def slow(rest: BruteForce) -> np.ndarray:
        return SLOW[name](rest, priors)

    lower, upper = rows.interval(slow)
    scale = np.abs(np.concatenate([lower, upper])).max()
    for values, wanted in (
        (column.values, slow(rows)),
        (column.lower, lower),
        (column.upper, upper),
    ):
        np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-9 * scale)


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
        layer_progress(found, layers, NO_NORMS).sum(0),
        progress_ratio(found).values,
        rtol=1e-9,
        atol=1e-9,
    )
    # What conflicts in one layer and agrees in another cancels in the scope only.
    parts, whole = layer_suppression(found, layers, NO_NORMS).sum(0), suppression(found).values
    assert (parts[found.defined] >= whole[found.defined] - 1e-9).all()


def test_a_layer_is_measured_against_the_progress_in_the_shared_scope():
    # Of U = 5 of class 0 the layers hold 1 and 4; they oppose class 1 by −1 and +2.
    X = np.repeat([[1.0, 2.0], [-1.0, 1.0]], 3, axis=0)
    found = scope([3, 3], 3, X)
    layers = [scope([3, 3], 3, X[:, :1]), scope([3, 3], 3, X[:, 1:])]
    np.testing.assert_allclose(layer_suppression(found, layers, NO_NORMS)[:, 0], [0.2, 0])
    np.testing.assert_allclose(layer_progress(found, layers, NO_NORMS)[:, 0], [0, 1.2], atol=1e-15)


@given(COUNTS, FOLDS, SEED, st.floats(1e-3, 1e3))
def test_scaling_the_loss_changes_no_ratio_and_no_cosine(counts, folds, seed, factor):
    X = random_classes(counts, folds, signal=4.0, features=9, seed=seed).means_of_folds()
    one, other = scope(counts, folds, X), scope(counts, folds, factor * X)
    close = {"rtol": 1e-6, "atol": 1e-9}
    for name in ("value", "plain", "lower", "upper", "p_value"):
        np.testing.assert_allclose(
            getattr(other.cosines, name), getattr(one.cosines, name), err_msg=name, **close
        )
    for name in UNCHANGED_BY_SCALE:
        wanted, found = (CLASS_METRICS[name].compute(each) for each in (one, other))
        for part in ("values", "lower", "upper"):
            np.testing.assert_allclose(
                getattr(found, part), getattr(wanted, part), err_msg=name, **close
            )
    for name, power in (("gradient_norm", 1), ("plain_gradient_norm", 1), ("descent_rate", 2)):
        wanted, found = (CLASS_METRICS[name].compute(each).values for each in (one, other))
        scale = factor**power
        np.testing.assert_allclose(found / scale, wanted, err_msg=name, rtol=1e-9, atol=1e-9)


@given(COUNTS, FOLDS, SEED, st.randoms())
def test_permuting_the_classes_permutes_every_metric(counts, folds, seed, random):
    rows = random_classes(counts, folds, signal=3.0, features=9, seed=seed)
    C = len(counts)
    order = list(range(C))
    random.shuffle(order)
    permuted = BruteForce(rows.gradients, np.argsort(order)[rows.labels], rows.folds, C)
    minorities = np.arange(C) % 2 == 0
    one = scope_of_rows(rows, folds, minorities=minorities)
    other = scope_of_rows(permuted, folds, minorities=minorities[order])
    close = {"rtol": 1e-6, "atol": 1e-8}
    for name, metric in CLASS_METRICS.items():
        wanted, found = metric.compute(one), metric.compute(other)
        for part in ("values", "lower", "upper"):
            if getattr(wanted, part) is not None:
                np.testing.assert_allclose(
                    getattr(found, part), getattr(wanted, part)[order], err_msg=name, **close
                )
    for name in ("value", "plain", "lower", "upper", "p_value", "significant"):
        wanted, found = (getattr(each.cosines, name) for each in (one, other))
        np.testing.assert_allclose(found, wanted[np.ix_(order, order)], err_msg=name, **close)
    for name, metric in LAYER_METRICS.items():
        wanted, found = (metric.compute(each, [each], np.ones(1)) for each in (one, other))
        np.testing.assert_allclose(found, wanted[:, order], err_msg=name, **close)


@given(COUNTS, FOLDS, SEED, st.lists(st.booleans(), min_size=4, max_size=4))
def test_simultaneous_bounds_contain_the_pointwise_ones(counts, folds, seed, mask):
    rows = random_classes(counts, folds, signal=4.0, seed=seed)
    found = scope_of_rows(rows, folds, minorities=mask[: len(counts)])
    one, all_at_once = progress_ratio(found), progress_ratio_simultaneous(found)
    np.testing.assert_array_equal(all_at_once.values, one.values)
    judged = np.isfinite(one.upper)
    np.testing.assert_array_equal(np.isfinite(all_at_once.upper), judged)
    minorities = (judged & found.setting.minorities).sum()
    if minorities > 1:
        assert (all_at_once.lower <= one.lower)[judged].all()
        assert (all_at_once.upper >= one.upper)[judged].all()
    else:
        np.testing.assert_array_equal(all_at_once.lower, one.lower)
        np.testing.assert_array_equal(all_at_once.upper, one.upper)


def test_simultaneous_bounds_are_those_of_sidak_over_the_judged_minorities():
    # Three minorities, of which one has a single row and cannot be judged.
    rows = random_classes([9, 6, 6, 1], 3, signal=4.0, seed=1)
    minorities = [False, True, True, True]
    together = progress_ratio_simultaneous(scope_of_rows(rows, 3, minorities=minorities))
    stricter = progress_ratio(scope_of_rows(rows, 3, confidence=0.95**0.5))
    np.testing.assert_allclose(together.lower, stricter.lower, rtol=1e-12)
    np.testing.assert_allclose(together.upper, stricter.upper, rtol=1e-12)


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
    layers = [found]
    assert suppression_by_class(found)[0].tolist() == [0, 0, 0.5]
    for values in (
        progress_ratio(found).values,
        suppression(found).values,
        layer_progress(found, layers, NO_NORMS)[0],
        layer_suppression(found, layers, NO_NORMS)[0],
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
