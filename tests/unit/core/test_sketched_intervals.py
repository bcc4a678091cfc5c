"""What the sketch adds to every interval and test, by leaving out one replicate at a time."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy import stats

from interference_service.core.analysis import Findings, analyse
from interference_service.core.folds import fold_layout
from interference_service.core.layers import Layer
from interference_service.core.metrics import CLASS_METRICS
from interference_service.core.replicates import ReplicatedStatistics
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import BruteForce, SketchedRows, random_classes
from support.brute_force_intervals import (
    TOGETHER,
    cosine,
    cosine_ratio,
    descent,
    mean_of,
    ratios_of_class,
    same_bounds,
    share_interval,
    square,
    unlearned,
)
from support.brute_force_variances import delete_one, interval, left_out, p_value

COUNTS = st.lists(st.integers(1, 7), min_size=2, max_size=4)
FOLDS = st.integers(3, 5)
REPLICATES = st.integers(2, 5)
SEED = st.integers(0, 2**32)
SIGNAL = st.floats(0.5, 4.0)
FEATURES = 12
WIDTH = 6
"""Of a sketch, so narrow that what it adds is not lost beside the noise of the rows."""
RATIOS = ("progress_ratio", "suppression", "support", "significant_suppression")
few = settings(max_examples=20)


def sketched_rows(counts, folds: int, replicates: int, seed: int, signal: float) -> SketchedRows:
    """Rows under random signs, of which every number of a sketch sums up all."""
    rows = random_classes(counts, folds, features=FEATURES, signal=signal, seed=seed)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (replicates, FEATURES, WIDTH))
    return SketchedRows.of(rows, [rows.gradients @ S / np.sqrt(WIDTH) for S in signs])


def statistics_of(rows: SketchedRows, folds: int) -> ReplicatedStatistics:
    layout = fold_layout(rows.counts(), folds)
    sketches = [rows.sketch(j) for j in range(rows.replicates)]
    return ReplicatedStatistics(
        tuple(sufficient_statistics(layout, each.means_of_folds()) for each in sketches)
    )


def setting(rows: BruteForce, **levels: float) -> Setting:
    """Every other class is a minority."""
    C = rows.num_classes
    return Setting(np.array(rows.counts()) / len(rows.labels), np.arange(C) % 2 == 1, **levels)


def scope(rows: SketchedRows, folds: int, **levels: float) -> Scope:
    return scope_of(statistics_of(rows, folds), setting(rows, **levels))


def analysed(rows: SketchedRows, folds: int) -> Findings:
    layer = Layer("layer", ("weight",), FEATURES, head=False)
    return analyse([statistics_of(rows, folds)], [layer], setting(rows), np.ones(1))


def test_two_sketches_of_certain_classes_worked_out_by_hand():
    """Squared norms of 4, products of −1 and −3: both are left out in turn.

    So G varies as ½ ((−3 + 2)² + (−1 + 2)²) = 1 with one degree of freedom, and U not at all.
    """
    one, other = [[2.0, 0, 0], [-0.5, 15**0.5 / 2, 0]], [[2.0, 0, 0], [-1.5, 0, 7**0.5 / 2]]
    layout = fold_layout([3, 3], 3)
    both = [sufficient_statistics(layout, np.repeat(X, 3, axis=0)) for X in (one, other)]
    found = scope_of(
        ReplicatedStatistics(tuple(both)), Setting(np.full(2, 0.5), np.zeros(2, dtype=bool))
    )
    assert pytest.approx(np.array([[4, -2], [-2, 4]])) == found.gram.G
    t = stats.t(1)
    assert found.cosines.p_value[0, 1] == pytest.approx(t.cdf(-2))
    half = t.ppf(0.975) / 4
    assert found.cosines.lower[0, 1] == pytest.approx(-0.5 - half)
    assert found.cosines.upper[0, 1] == pytest.approx(-0.5 + half)
    for name, value, half in (
        ("descent_rate", 1, t.ppf(0.975) / 2),
        ("progress_ratio", 0.5, t.ppf(0.975) / 4),
        ("suppression", 0.5, t.ppf(0.975) / 4),
        ("gradient_norm", 2, 0),
        ("share_of_update", 0.5, 0),
    ):
        column = CLASS_METRICS[name].compute(found)
        for bound, wanted in ((column.lower, value - half), (column.upper, value + half)):
            np.testing.assert_allclose(bound, wanted, rtol=0, atol=1e-6, err_msg=name)


@few
@given(COUNTS, FOLDS, REPLICATES, SEED, SIGNAL)
def test_the_noise_floor_rises_by_what_the_sketch_adds(counts, folds, replicates, seed, signal):
    rows = sketched_rows(counts, folds, replicates, seed, signal)
    found = scope(rows, folds)
    for c in range(len(counts)):
        K = len(list(rows.folds_of(c)))
        if K < 3:
            assert not found.defined[c]
            continue
        U = square(c).of(rows)
        added = delete_one([square(c).of(rest) for rest in rows.without_each_replicate()])
        distance = U / np.sqrt(left_out(rows, square(c), c) + added)
        assert found.defined[c] == (stats.t(K - 1).sf(distance) < 0.05)
        assert found.weak[c] == (found.defined[c] and distance < 4)


@pytest.mark.parametrize("level", [0.0, -0.3])
@few
@given(counts=COUNTS, folds=FOLDS, replicates=REPLICATES, seed=SEED, signal=SIGNAL)
def test_intervals_and_tests_of_cosines_equal_brute_force(
    level, counts, folds, replicates, seed, signal
):
    rows = sketched_rows(counts, folds, replicates, seed, signal)
    found = scope(rows, folds, conflict_level=level)
    for c, d in permutations(np.flatnonzero(found.defined), 2):
        ratio = cosine_ratio(rows, c, d, level)
        bounds = [found.cosines.lower[c, d], found.cosines.upper[c, d]]
        assert same_bounds(bounds, ratio.interval(rows))
        p = p_value(rows, ratio.numerator.minus(level, ratio.denominator))
        assert found.cosines.p_value[c, d] == pytest.approx(p, rel=1e-5, abs=1e-12)


@few
@given(COUNTS, FOLDS, REPLICATES, SEED, SIGNAL)
def test_intervals_of_ratios_equal_brute_force(counts, folds, replicates, seed, signal):
    rows = sketched_rows(counts, folds, replicates, seed, signal)
    found = scope(rows, folds)
    columns = {name: CLASS_METRICS[name].compute(found) for name in RATIOS}
    for c in np.flatnonzero(found.defined):
        significant = np.flatnonzero(found.cosines.significant[c])
        slow = ratios_of_class(rows, found.setting.priors, c, significant)
        for name, ratio in slow.items():
            bounds = [columns[name].lower[c], columns[name].upper[c]]
            assert same_bounds(bounds, ratio.interval(rows)), (name, c)


@few
@given(COUNTS, FOLDS, REPLICATES, SEED, SIGNAL)
def test_intervals_of_norms_and_shares_equal_brute_force(counts, folds, replicates, seed, signal):
    rows = sketched_rows(counts, folds, replicates, seed, signal)
    found = scope(rows, folds)
    norm, share = (CLASS_METRICS[n].compute(found) for n in ("gradient_norm", "share_of_update"))
    for c in np.flatnonzero(found.defined):
        bounds = np.sqrt(np.maximum(interval(rows, square(c)), 0.0))
        assert same_bounds([norm.lower[c], norm.upper[c]], bounds)
        wanted = share_interval(rows, found.setting.priors, c)
        assert same_bounds([share.lower[c], share.upper[c]], wanted)


@few
@given(COUNTS, FOLDS, REPLICATES, SEED, st.floats(0.0, 4.0))
def test_intervals_of_descent_rates_and_findings_equal_brute_force(
    counts, folds, replicates, seed, signal
):
    rows = sketched_rows(counts, folds, replicates, seed, signal)
    found = analysed(rows, folds)
    π, minorities = np.array(counts) / sum(counts), np.arange(len(counts)) % 2 == 1
    level = TOGETHER ** (1 / max(1, (found.judged & minorities).sum()))
    columns = found.scopes[0].columns
    for c in np.flatnonzero(found.judged):
        rate = descent(rows, π, c)
        for name, confidence in (("descent_rate", 0.95), ("descent_rate_simultaneous", level)):
            bounds = [columns[name].lower[c], columns[name].upper[c]]
            assert same_bounds(bounds, interval(rows, rate, confidence))
    wanted = unlearned(rows, π, np.flatnonzero(minorities))
    assert np.flatnonzero(found.unlearned).tolist() == wanted


@few
@given(st.lists(st.integers(3, 7), min_size=2, max_size=4), FOLDS, REPLICATES, SEED)
def test_the_interval_of_the_mean_cosine_equals_brute_force(counts, folds, replicates, seed):
    rows = sketched_rows(counts, folds, replicates, seed, signal=4.0)
    found = analysed(rows, folds)
    assume(not any("BELOW_NOISE_FLOOR" in flags for flags in found.flags))
    C = range(len(counts))
    mean = mean_of([cosine(rows, c, d) for c in C for d in C if c % 2 == 1 and d % 2 == 0])
    summary = found.summary["mean_minority_cosine"]
    assert same_bounds([summary.lower, summary.upper], interval(rows, mean))


def test_a_class_without_rows_changes_nothing_for_the_others():
    rows = sketched_rows([6, 5, 4], 3, replicates=4, seed=1, signal=4.0)
    X = [rows.sketch(j).means_of_folds() for j in range(rows.replicates)]
    whole, without = (
        scope_of(
            ReplicatedStatistics(
                tuple(sufficient_statistics(fold_layout(counts, 3), each) for each in X)
            ),
            Setting(np.array(counts) / 15, np.zeros(len(counts), dtype=bool)),
        )
        for counts in ([6, 0, 5, 4], [6, 5, 4])
    )
    assert without.defined.all()
    for metric in CLASS_METRICS.values():
        found, wanted = metric.compute(whole), metric.compute(without)
        for part in ("values", "lower", "upper"):
            if getattr(wanted, part) is not None:
                np.testing.assert_allclose(
                    getattr(found, part)[[0, 2, 3]], getattr(wanted, part), rtol=1e-9
                )
    for name in ("value", "lower", "upper", "p_value"):
        matrix = getattr(whole.cosines, name)[np.ix_([0, 2, 3], [0, 2, 3])]
        np.testing.assert_allclose(matrix, getattr(without.cosines, name), rtol=1e-9)


def bounds_of(found: Scope) -> np.ndarray:
    """Bounds of every class metric, and the cosines' with their p-values."""
    columns = [each.compute(found) for each in CLASS_METRICS.values()]
    bounds = [each for column in columns for each in (column.lower, column.upper)]
    matrices = [found.cosines.lower, found.cosines.upper, found.cosines.p_value]
    return np.concatenate([each.ravel() for each in (*bounds, *matrices) if each is not None])


@given(COUNTS, FOLDS, st.integers(2, 8), SEED, SIGNAL)
def test_sketches_that_agree_add_nothing(counts, folds, replicates, seed, signal):
    rows = random_classes(counts, folds, signal=signal, seed=seed)
    exact = sufficient_statistics(fold_layout(counts, folds), rows.means_of_folds())
    one, same = (
        scope_of(ReplicatedStatistics((exact,) * b), setting(rows)) for b in (1, replicates)
    )
    assert same_bounds(bounds_of(same).tolist(), bounds_of(one).tolist())
