"""The summary, and the pairs of classes that conflict most."""

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy import stats

from interference_service.core.analysis import MOST_PAIRS, analyse
from interference_service.core.folds import fold_layout
from interference_service.core.layers import Layer
from interference_service.core.scope import Setting
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.analyses import FOLDS, SEED, findings, of_rows, opposed
from support.brute_force import random_classes
from support.brute_force_intervals import (
    TOGETHER,
    cosine,
    cosine_matrices,
    mean_of,
    ratios_of_class,
    same_bounds,
    unlearned,
)
from support.brute_force_variances import variance


@settings(max_examples=25)
@given(st.lists(st.integers(3, 7), min_size=3, max_size=4), st.integers(3, 6), SEED)
def test_the_summary_equals_brute_force(counts, folds, seed):
    rows = random_classes(counts, folds, signal=3.0, features=9, seed=seed)
    C, π = len(counts), np.array(counts) / sum(counts)
    minorities = np.arange(C) < 2
    found = of_rows(rows, folds=folds, minorities=minorities)
    assume(not any("BELOW_NOISE_FLOOR" in flags for flags in found.flags))
    summary = found.summary
    pairs = np.outer(minorities, ~minorities)

    close = {"rel": 1e-6, "abs": 1e-8}
    mean_cosine = summary["mean_minority_cosine"]
    assert mean_cosine.value == pytest.approx(rows.corrected()[pairs].mean(), **close)
    mean = mean_of([cosine(rows, int(c), int(d)) for c, d in np.argwhere(pairs)])
    spread, freedom = variance(rows, mean)
    half = stats.t(freedom).ppf(0.975) * np.sqrt(spread)
    assert mean_cosine.upper - mean_cosine.value == pytest.approx(half, **close)
    assert mean_cosine.value - mean_cosine.lower == pytest.approx(half, **close)

    M = np.where(pairs, rows.corrected(), np.inf)
    assert summary["least_minority_cosine"].value == pytest.approx(M.min(), **close)
    assert summary["least_minority_cosine"].class_index == M.min(1).argmin()

    progress = np.where(minorities, rows.progress_ratio(π), np.inf)
    worst, c = summary["worst_progress_ratio"], int(progress.argmin())
    assert worst.class_index == c
    assert worst.value == pytest.approx(progress[c], **close)
    bounds = [
        ratios_of_class(rows, π, each, [])["progress_ratio"].interval(rows, TOGETHER**0.5)
        for each in np.flatnonzero(minorities)
    ]
    assert same_bounds([worst.lower, worst.upper], np.min(bounds, axis=0))
    assert found.unlearned.nonzero()[0].tolist() == unlearned(rows, π, [0, 1])
    suppression = np.where(minorities, rows.suppression(π), -np.inf)
    assert summary["worst_suppression"].value == pytest.approx(suppression.max(), **close)

    p = np.sort(cosine_matrices(rows)[2][np.triu_indices(C, 1)])
    below = np.flatnonzero(p <= 0.05 * np.arange(1, len(p) + 1) / len(p))
    count = below.max() + 1 if len(below) else 0
    assert summary["conflicting_pairs"].value == count
    assert summary["conflicting_pair_share"].value == pytest.approx(count / len(p))


def test_without_minorities_the_summary_of_minorities_is_undetermined():
    summary = of_rows(random_classes([6, 6, 6], FOLDS, signal=4.0)).summary
    for name in (
        "mean_minority_cosine",
        "least_minority_cosine",
        "worst_progress_ratio",
        "worst_suppression",
    ):
        found = summary[name]
        assert np.isnan([found.value, found.lower, found.upper]).all()
        assert found.class_index == -1
    assert summary["unlearned_minorities"].value == 0


def test_a_class_without_a_share_is_no_majority():
    rows, π = random_classes([6, 6, 6], FOLDS, signal=4.0), np.array([0.8, 0.2, 0.0])
    layout = fold_layout(rows.counts(), FOLDS)
    found = analyse(
        [sufficient_statistics(layout, rows.means_of_folds())],
        [Layer("layer", ("weight",), 6, head=False)],
        Setting(π, np.array([False, True, False])),
        np.ones(1),
    )
    wanted = rows.corrected()[0, 1]
    assert found.summary["mean_minority_cosine"].value == pytest.approx(wanted)
    assert found.summary["least_minority_cosine"].value == pytest.approx(wanted)


def test_counts_have_themselves_as_bounds():
    for name in ("conflicting_pairs", "conflicting_pair_share", "unlearned_minorities"):
        found = opposed().summary[name]
        assert found.lower == found.upper == found.value


def test_the_share_of_no_determined_pairs_is_undetermined():
    summary = of_rows(random_classes([6, 1], FOLDS, signal=4.0)).summary
    assert summary["conflicting_pairs"].value == 0
    assert np.isnan(summary["conflicting_pair_share"].value)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), SEED)
def test_top_conflicts_are_the_determined_pairs_in_the_order_of_their_cosines(counts, seed):
    found = of_rows(random_classes(counts, FOLDS, signal=2.0, seed=seed))
    pairs = found.scopes[0].pairs
    top = found.top_conflicts
    cosines = [each.cosine for each in top]
    assert cosines == sorted(cosines)
    upper = np.triu_indices(len(counts), 1)
    assert sorted(cosines) == sorted(v for v in pairs["cosine"][upper] if not np.isnan(v))
    for each in top:
        at = each.row, each.column
        assert each.row < each.column
        assert each.cosine == pairs["cosine"][at]
        np.testing.assert_array_equal(
            [each.lower, each.upper, each.p_value],
            [pairs["lower"][at], pairs["upper"][at], pairs["p_value"][at]],
        )
    assert sum(each.significant for each in top) == found.summary["conflicting_pairs"].value


def test_only_so_many_conflicts_are_listed_and_the_least_cosines_stay():
    C = 22
    found = of_rows(random_classes([3] * C, FOLDS, signal=9.0, features=9, seed=1))
    assert len(found.top_conflicts) == MOST_PAIRS < C * (C - 1) / 2
    values = np.sort(found.scopes[0].pairs["cosine"][np.triu_indices(C, 1)])
    np.testing.assert_array_equal(
        [each.cosine for each in found.top_conflicts], values[:MOST_PAIRS]
    )


def test_layers_count_their_own_conflicts():
    # The first layer opposes the classes, the second makes them agree.
    X = [[1.0, 0.01, 1.0], [1.0, 0.02, 1.0], [1.0, 0.0, 1.01]]
    X += [[-1.0, 0.01, 1.0], [-1.0, 0.0, 1.01], [-1.0, 0.02, 0.99]]
    found = findings([9, 3], X, cuts=[2], minorities=[False, True])
    assert [layer.numbers["conflicting_pairs"] for layer in found.layers] == [1, 0]
    assert found.layers[0].pairs["cosine"][0, 1] == pytest.approx(-1, abs=0.01)
    assert found.layers[1].pairs["cosine"][0, 1] == pytest.approx(1, abs=0.01)
    ratios = [layer.numbers["majority_to_minority_norm_ratio"] for layer in found.layers]
    assert ratios == pytest.approx([1, 1], abs=0.02)


def test_a_stricter_conflict_level_finds_fewer_conflicts():
    X = [[1.0, 0.01], [1.0, 0.02], [1.0, 0.0], [-1.0, 3.01], [-1.0, 3.0], [-1.0, 3.02]]
    mild, strict = (
        findings([3, 3], X, conflict_level=level).summary["conflicting_pairs"].value
        for level in (0.0, -0.9)
    )
    assert (mild, strict) == (1, 0)


def test_a_class_with_zero_gradient_is_below_the_noise_floor():
    found = findings([33, 33], [[1.0, 1.0]] * 3 + [[0.0, 0.0]] * 3, cuts=[1])
    assert found.flags == ((), ("BELOW_NOISE_FLOOR",))
    assert np.isnan(found.layer_metrics["progress"][:, 1]).all()
    np.testing.assert_allclose(found.layer_metrics["progress"][:, 0], [0.5, 0.5])
