"""The precision that rounds go by is that of the reported intervals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from interference_service.core.analysis import analyse, shared_statistics
from interference_service.core.folds import fold_layout
from interference_service.core.layers import Layer
from interference_service.core.rounds import (
    Decision,
    Outcome,
    Precision,
    first_rows,
    next_round,
    precision_of,
)
from interference_service.core.scope import Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from interference_service.errors import InputUnsupported
from support.brute_force import BruteForce, random_classes
from support.goals import goal

COUNTS = st.lists(st.integers(3, 12), min_size=2, max_size=4)


def measured(rows: BruteForce, folds: int, cuts=(), heads=(), priors=None) -> Precision:
    counts = rows.counts()
    π = np.array(counts if priors is None else priors, dtype=float)
    layout = fold_layout(counts, folds)
    blocks = np.split(rows.means_of_folds(), cuts, axis=1)
    layers = [Layer(f"layer{i}", (), each.shape[1], i in heads) for i, each in enumerate(blocks)]
    statistics = [sufficient_statistics(layout, each) for each in blocks]
    setting = Setting(π / π.sum(), π < 0.5 * π.mean())
    return precision_of(scope_of(shared_statistics(statistics, layers), setting))


@given(COUNTS, st.integers(3, 5), st.integers(0, 2**32))
def test_contributions_equal_brute_force(counts, folds, seed):
    rows = random_classes(counts, folds, features=8, seed=seed)
    π = np.array(counts) / sum(counts)
    own, ρ = π * np.diag(rows.gram()), rows.progress_ratio(π)

    def first_order(part: BruteForce) -> np.ndarray:
        """ρ_c with its denominator held, but for what that does to first order."""
        denominator = π * np.diag(part.gram())
        others = part.descent_rate(π) - denominator
        return (others - (ρ - 1) * denominator) / own

    found = measured(rows, folds).variances
    determined = np.isfinite(found).all(1)
    assume(determined.any())
    wanted = rows.jackknife(first_order).T
    scale = wanted[determined].max()
    np.testing.assert_allclose(found[determined], wanted[determined], rtol=1e-6, atol=1e-9 * scale)


@given(COUNTS, st.integers(3, 5), st.integers(0, 2**32))
def test_half_widths_are_those_of_the_reported_intervals(counts, folds, seed):
    rows = random_classes(counts, folds, features=8, seed=seed)
    layout, π = fold_layout(counts, folds), np.array(counts) / sum(counts)
    statistics = [sufficient_statistics(layout, rows.means_of_folds())]
    setting, layer = Setting(π, π < 0.5 / len(π)), Layer("whole", (), 8, False)
    scope = analyse(statistics, [layer], setting, np.ones(1)).scopes[0]
    column, half_widths = scope.columns["progress_ratio"], measured(rows, folds).half_widths
    for value, lower, upper, half in zip(
        column.values, column.lower, column.upper, half_widths, strict=True
    ):
        farther = max(upper - value, value - lower)
        assert half == pytest.approx(farther, rel=1e-9, nan_ok=True)


@given(st.integers(0, 2**32))
def test_the_precision_is_that_of_the_shared_layers_together(seed):
    rows = random_classes([9, 7, 5], 3, features=12, seed=seed)
    whole = measured(replace(rows, gradients=rows.gradients[:, :9]), 3)
    cut = measured(rows, 3, cuts=(4, 9), heads=(2,))
    np.testing.assert_allclose(cut.half_widths, whole.half_widths, rtol=1e-9)
    np.testing.assert_allclose(cut.variances, whole.variances, rtol=1e-9, atol=1e-12)


def test_a_class_below_the_noise_floor_has_neither_width_nor_contributions():
    rows = random_classes([30, 30, 2], 5, seed=1)
    found = measured(rows, 5)
    assert np.isnan(found.half_widths).tolist() == [False, False, True]
    assert np.isnan(found.variances[2]).all()
    assert np.isfinite(found.variances[:2]).all()


def test_a_class_without_rows_contributes_nothing():
    found = measured(random_classes([30, 30, 0], 5, seed=1), 5)
    assert (found.variances[:2, 2] == 0).all()


def test_classes_that_share_no_layer_are_refused():
    with pytest.raises(InputUnsupported):
        measured(random_classes([9, 9], 3), 3, heads=(0,))


def test_rounds_use_few_rows_where_few_reach_the_target():
    counts, folds = np.array([2000, 1500, 300]), 8
    rows = random_classes(counts.tolist(), folds, features=16, signal=1.0, seed=3)
    ranks = np.concatenate([np.arange(n) for n in counts])
    wanted = goal(counts, judged=[False, False, True], target=0.4)
    decision, rounds = Decision(first_rows(counts, folds), None), 0
    while decision.outcome is None:
        used, rounds = decision.rows_used, rounds + 1
        kept = ranks < used[rows.labels]
        part = BruteForce(rows.gradients[kept], rows.labels[kept], rows.folds[kept], 3)
        found = measured(part, folds, priors=counts)
        decision = next_round(used, wanted, found)
    assert decision.outcome is Outcome.TARGET_REACHED
    assert found.half_widths[2] <= wanted.target
    assert rounds > 1
    assert used.sum() < counts.sum() / 5
