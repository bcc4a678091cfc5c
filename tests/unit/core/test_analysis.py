"""From the statistics of the layers to flags, judgements, summaries and conflicts."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy import stats

from interference_service.core.analysis import ALL, MOST_PAIRS, SHARED, Findings, analyse
from interference_service.core.folds import fold_layout
from interference_service.core.layers import Layer
from interference_service.core.metrics import CLASS_METRICS
from interference_service.core.scope import Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from interference_service.errors import InputUnsupported
from support.brute_force import BruteForce, random_classes
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

FOLDS = 3
SEED = st.integers(0, 2**32)


def setting(counts: Sequence[int], minorities=None, **changes) -> Setting:
    π = np.array(counts) / sum(counts)
    return Setting(π, π < 0.5 / len(π) if minorities is None else np.array(minorities), **changes)


def findings(counts, X, *, cuts=(), heads=(), folds: int = FOLDS, **changes) -> Findings:
    """The analysis of layers that share the columns of X out among them.

    Args:
        counts: Rows of every class.
        X: Mean gradient of every segment.
        cuts: Where the next layer begins.
        heads: Numbers of the layers that are heads.
        folds: Most folds of a class.
        changes: Of the setting.
    """
    blocks = np.split(np.asarray(X, dtype=np.float64), cuts, axis=1)
    layout = fold_layout(counts, folds)
    return analyse(
        [sufficient_statistics(layout, block) for block in blocks],
        [
            Layer(f"layer{i}", (f"layer{i}.weight",), block.shape[1], i in heads)
            for i, block in enumerate(blocks)
        ],
        setting(counts, **changes),
        np.ones(len(blocks)),
    )


def of_rows(rows: BruteForce, **changes) -> Findings:
    return findings(rows.counts(), rows.means_of_folds(), **changes)


def assert_same_columns(one, other) -> None:
    for name in CLASS_METRICS:
        np.testing.assert_allclose(one[name].values, other[name].values, rtol=1e-9, err_msg=name)


def opposed(minority_rows: int = 6) -> Findings:
    """A majority and a smaller class with opposite gradients and a little noise."""
    rows = random_classes([30, minority_rows], 8, features=5, signal=0.0, seed=8)
    rows.gradients *= 0.1
    rows.gradients[:, 0] += np.where(rows.labels == 0, 1.0, -1.0)
    return of_rows(rows, folds=8)


def test_flags_say_what_stands_against_a_class():
    counts = [36, 0, 1, 2, 3]
    means = [[3.0, 0]] * 3 + [[1.0, 1]] + [[1.0, 1], [1.0, 1]]
    # The rows of the last class cancel out.
    found = findings(counts, [*means, [1.0, 0], [-0.5, 0.8], [-0.5, -0.8]])
    lost = ("BELOW_NOISE_FLOOR", "FEW_ROWS")
    assert found.flags == ((), ("EMPTY",), ("ONE_ROW",), ("NO_INTERVAL",), lost)
    # Whether the last class is unlearned can be said without its norm.
    assert found.judged.tolist() == [True, False, False, False, True]
    assert not found.unlearned.any()


@pytest.mark.parametrize(
    ("spread", "flags"),
    [(0.1, ()), (0.25, ("WEAK_GRADIENT",)), (0.6, ("BELOW_NOISE_FLOOR",))],
)
def test_a_gradient_is_weak_less_than_four_standard_errors_above_zero(spread, flags):
    # Without one fold the squared norm is the product of the other two.
    products = np.array([1 - spread, 1 + spread, 1 - spread**2])
    error = np.sqrt(2 / 3 * ((products - products.mean()) ** 2).sum())
    assert (products.mean() < 4 * error) == (flags != ())
    assert (products.mean() < stats.t(2).isf(0.05) * error) == (flags == ("BELOW_NOISE_FLOOR",))
    assert findings([33], [[1 + spread], [1 - spread], [1.0]]).flags == (flags,)


@pytest.mark.parametrize(("rows", "flags"), [(31, ("FEW_ROWS",)), (32, ())])
def test_a_class_has_few_rows_below_thirty_two(rows, flags):
    assert findings([rows], [[1.0], [1.0], [1.0]]).flags == (flags,)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(any), SEED, st.floats(0, 4))
def test_a_class_is_judged_exactly_where_it_has_three_rows(counts, seed, signal):
    found = of_rows(random_classes(counts, FOLDS, signal=signal, seed=seed))
    assert found.judged.tolist() == [n >= 3 for n in counts]
    too_few = {0: ("EMPTY",), 1: ("ONE_ROW",), 2: ("NO_INTERVAL",)}
    for n, flags in zip(counts, found.flags, strict=True):
        others = [
            (*strength, "FEW_ROWS") for strength in ((), ("WEAK_GRADIENT",), ("BELOW_NOISE_FLOOR",))
        ]
        assert flags in ([too_few[n]] if n in too_few else others)


def test_a_minority_that_the_majority_unlearns_is_found():
    found = opposed()
    assert found.judged.tolist() == [True, True]
    assert found.unlearned.tolist() == [False, True]
    assert found.scopes[0].columns["progress_ratio_simultaneous"].upper[1] < 0
    assert found.scopes[0].main_suppressor.tolist() == [1, 0]
    summary = found.summary
    assert summary["unlearned_minorities"].value == 1
    assert summary["conflicting_pairs"].value == 1
    assert summary["conflicting_pair_share"].value == 1
    assert summary["worst_progress_ratio"].class_index == 1
    assert summary["least_minority_cosine"].value == pytest.approx(-1, abs=0.1)


def test_a_class_that_is_no_minority_is_never_called_unlearned():
    found = opposed(minority_rows=20)
    # Shares of 3/5 and 2/5: the gradients of the second class lose all the same.
    assert found.scopes[0].columns["progress_ratio"].upper[1] < 0
    assert not found.unlearned.any()


def test_a_minority_is_unlearned_only_where_the_bound_for_all_of_them_is_below_zero():
    """Five minorities whose progress ratio lies at −1.3, with so few rows that luck decides."""
    rows = random_classes([60] + [6] * 5, 6, features=4, signal=0.0, seed=85)
    rows.gradients[:, 0] += np.where(rows.labels == 0, 1.0, -1.6)
    found = of_rows(rows, folds=6)
    columns = found.scopes[0].columns
    together = columns["descent_rate_simultaneous"].upper < 0
    alone = columns["descent_rate"].upper < 0
    assert (together.sum(), alone.sum()) == (2, 5)
    assert found.unlearned.tolist() == together.tolist()


@pytest.mark.parametrize("rows", [1, 2])
def test_a_minority_with_too_few_rows_is_neither_judged_nor_unlearned(rows):
    found = opposed(minority_rows=rows)
    assert found.judged.tolist() == [True, False]
    assert not found.unlearned.any()
    worst = found.summary["worst_progress_ratio"]
    assert np.isnan(worst.value)
    assert (worst.lower, worst.upper, worst.class_index) == (-np.inf, np.inf, -1)


def with_a_lost_minority(sign: float) -> Findings:
    """A majority, a minority that it helps, and one whose rows say nothing but which way."""
    X = [[30.0, 0.0]] * 3 + [[1.0, 0.01], [1.0, 0.0], [1.0, 0.02]]
    X += [[sign, 5.0], [sign, -5.0], [sign, 0.0]]
    return findings([60, 3, 3], X)


def test_a_minority_that_is_undetermined_leaves_no_lower_bound_of_the_worst():
    found = with_a_lost_minority(1.0)
    columns, worst = found.scopes[0].columns, found.summary["worst_progress_ratio"]
    assert np.isnan(columns["progress_ratio"].values).tolist() == [False, False, True]
    assert worst.value == columns["progress_ratio"].values[1]
    assert worst.class_index == 1
    assert worst.lower == -np.inf
    assert worst.upper == columns["progress_ratio_simultaneous"].upper[1]
    largest = found.summary["worst_suppression"]
    assert (largest.class_index, largest.upper) == (1, np.inf)
    assert largest.lower == columns["suppression"].lower[1]


def test_the_worst_is_below_zero_where_a_minority_without_a_norm_is_unlearned():
    found = with_a_lost_minority(-1.0)
    assert found.unlearned.tolist() == [False, False, True]
    worst = found.summary["worst_progress_ratio"]
    assert np.isnan(worst.value)
    assert worst.class_index == 2
    assert worst.lower == -np.inf
    assert worst.upper < 0
    assert worst.upper == pytest.approx(0, abs=1e-300)


def test_the_class_head_stays_outside_the_shared_scope():
    rows = random_classes([7, 6, 5], FOLDS, signal=4.0, features=9, seed=2)
    X = rows.means_of_folds()
    found = findings(rows.counts(), X, cuts=[3, 6], heads=[2])
    shared, everything = found.scopes
    assert (shared.id, everything.id) == (SHARED, ALL)
    without = scope_of(
        sufficient_statistics(fold_layout(rows.counts(), FOLDS), X[:, :6]), setting(rows.counts())
    )
    np.testing.assert_allclose(shared.pairs["cosine"], without.cosines.value, rtol=1e-9)
    whole = of_rows(rows).scopes[0]
    assert_same_columns(everything.columns, whole.columns)
    assert np.abs(everything.pairs["gram"] - shared.pairs["gram"]).max() > 0.1
    # The head is reported as a layer of its own.
    assert [layer.name for layer in found.layers] == ["layer0", "layer1", "layer2"]
    assert all(matrix.shape == (3, 3) for matrix in found.layer_metrics.values())
    np.testing.assert_allclose(
        found.layer_metrics["progress"][:2].sum(0), shared.columns["progress_ratio"].values
    )


def test_without_a_head_both_scopes_are_the_same():
    shared, everything = of_rows(random_classes([6, 5], FOLDS), cuts=[2]).scopes
    assert_same_columns(shared.columns, everything.columns)
    np.testing.assert_array_equal(shared.pairs["cosine"], everything.pairs["cosine"])


def test_a_model_that_is_all_head_shares_nothing():
    rows = random_classes([6, 5], FOLDS)
    with pytest.raises(InputUnsupported, match="head") as caught:
        of_rows(rows, cuts=[2], heads=[0, 1])
    assert caught.value.violations[0].field == "spec.options.head"


def test_the_order_of_the_layers_is_kept_and_changes_no_scope():
    rows = random_classes([6, 5, 4], FOLDS, signal=4.0, features=6, seed=3)
    X = rows.means_of_folds()
    one = findings(rows.counts(), X, cuts=[2])
    other = findings(rows.counts(), np.roll(X, -2, axis=1), cuts=[4])
    assert_same_columns(one.scopes[0].columns, other.scopes[0].columns)
    for name, values in one.layer_metrics.items():
        np.testing.assert_allclose(other.layer_metrics[name], values[::-1], rtol=1e-9, err_msg=name)


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
