"""Which classes are judged, and which minorities are found to be unlearned."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from interference_service.core.folds import fold_layout
from interference_service.core.judgement import (
    judged_classes,
    simultaneous_level,
    unlearned_minorities,
)
from interference_service.core.metrics.classes.descent_rate import descent_rate
from interference_service.core.metrics.classes.descent_rate_simultaneous import (
    descent_rate_simultaneous,
)
from interference_service.core.metrics.classes.progress_ratio import progress_ratio
from interference_service.core.metrics.classes.progress_ratio_simultaneous import (
    progress_ratio_simultaneous,
)
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import random_classes
from support.brute_force_intervals import TOGETHER, unlearned

SEED = st.integers(0, 2**32)


def scope(counts, folds: int, X, *, minorities=None, priors=None, confidence=0.95) -> Scope:
    π = np.asarray(counts if priors is None else priors, dtype=np.float64)
    mask = np.ones(len(π), dtype=bool) if minorities is None else np.array(minorities)
    statistics = sufficient_statistics(fold_layout(counts, folds), np.asarray(X, dtype=np.float64))
    return scope_of(statistics, Setting(π / π.sum(), mask, confidence_level=confidence))


def random_scope(counts, folds: int, signal: float, seed: int, **changes) -> Scope:
    rows = random_classes(counts, folds, signal=signal, seed=seed)
    return scope(counts, folds, rows.means_of_folds(), **changes)


def test_a_class_that_is_lost_in_the_noise_can_be_judged_and_unlearned():
    # The rows of class 1 point against class 0 in one direction, and nowhere in the other.
    X = [[30.0, 0.0]] * 3 + [[-1.0, 5.0], [-1.0, -5.0], [-1.0, 0.0]]
    found = scope([30, 3], 3, X, minorities=[False, True])
    assert found.gram.U[1] < 0
    assert found.defined.tolist() == [True, False]
    assert found.weak.tolist() == [False, False]
    assert np.isnan(progress_ratio_simultaneous(found).values[1])
    assert judged_classes(found).tolist() == [True, True]
    assert unlearned_minorities(found).tolist() == [False, True]


def test_only_minorities_are_unlearned():
    X = [[30.0, 0.0]] * 3 + [[-1.0, 0.0]] * 3
    assert descent_rate(scope([30, 3], 3, X)).values[1] < 0
    assert not unlearned_minorities(scope([30, 3], 3, X, minorities=[True, False])).any()


@pytest.mark.parametrize(("rows", "judged"), [(0, False), (1, False), (2, False), (3, True)])
def test_a_class_is_judged_from_three_rows_on(rows, judged):
    X = [[30.0, 0.0]] * 3 + [[-1.0, 0.0]] * rows
    found = scope([30, rows], 3, X)
    assert judged_classes(found).tolist() == [True, judged]
    assert unlearned_minorities(found).tolist() == [False, judged]


def test_a_class_that_surely_stands_still_is_not_unlearned():
    found = scope([30, 3], 3, [[1.0, 0.0]] * 3 + [[0.0, 0.0]] * 3)
    assert descent_rate_simultaneous(found).upper[1] == 0
    assert judged_classes(found).tolist() == [True, True]
    assert not unlearned_minorities(found).any()


def test_a_class_without_a_share_is_not_judged():
    found = random_scope([6, 6], 3, 4.0, 1, priors=[1, 0])
    assert judged_classes(found).tolist() == [True, False]


@pytest.mark.parametrize(
    ("confidence", "together"),
    [(0.5, TOGETHER), (0.95, TOGETHER), (TOGETHER, TOGETHER), (0.999, 0.999)],
)
@pytest.mark.parametrize("minorities", range(4))
def test_the_level_is_that_of_sidak_for_the_higher_of_two_confidences(
    confidence, together, minorities
):
    # A minority of two rows is not judged, and does not count.
    mask = np.arange(5) < minorities
    mask[4] = True
    found = random_scope([6, 6, 6, 6, 2], 3, 2.0, 3, minorities=mask, confidence=confidence)
    assert simultaneous_level(found) == pytest.approx(together ** (1 / max(1, minorities)))


@settings(max_examples=30)
@given(
    counts=st.lists(st.integers(1, 7), min_size=2, max_size=5),
    signal=st.floats(0, 6),
    seed=SEED,
    confidence=st.sampled_from([0.8, 0.95, 0.999]),
)
def test_findings_equal_brute_force(counts, signal, seed, confidence):
    rows = random_classes(counts, 4, signal=signal, seed=seed)
    minorities = np.arange(len(counts)) > 0
    found = scope(counts, 4, rows.means_of_folds(), minorities=minorities, confidence=confidence)
    wanted = unlearned(rows, found.setting.priors, range(1, len(counts)), confidence)
    assert np.flatnonzero(unlearned_minorities(found)).tolist() == wanted


@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(3, 6), st.floats(0, 5), SEED
)
def test_progress_ratios_and_descent_rates_exclude_zero_together(counts, folds, signal, seed):
    found = random_scope(counts, folds, signal, seed)
    for ratio, rate in (
        (progress_ratio(found), descent_rate(found)),
        (progress_ratio_simultaneous(found), descent_rate_simultaneous(found)),
    ):
        known = found.defined
        np.testing.assert_array_equal((ratio.upper < 0)[known], (rate.upper < 0)[known])
        np.testing.assert_array_equal((ratio.lower > 0)[known], (rate.lower > 0)[known])


def test_noise_alone_rarely_makes_a_minority_unlearned():
    """In 1 % of analyses of four minorities or fewer; of 400 that is 4, with a deviation of 2."""
    found = [
        unlearned_minorities(
            random_scope([64, 16, 12, 8, 5], 8, 0.0, seed, minorities=[False, *[True] * 4])
        ).any()
        for seed in range(400)
    ]
    assert sum(found) < 4 + 4 * 2
