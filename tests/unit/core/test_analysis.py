"""From the statistics of the layers to flags, judgements, summaries and conflicts."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from interference_service.core.analysis import ALL, SHARED
from interference_service.core.folds import fold_layout
from interference_service.core.scope import scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from interference_service.errors import InputUnsupported
from support.analyses import (
    FOLDS,
    SEED,
    assert_same_columns,
    findings,
    of_rows,
    opposed,
    setting,
    with_a_lost_minority,
)
from support.brute_force import random_classes


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
