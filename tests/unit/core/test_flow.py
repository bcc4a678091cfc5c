"""Gradient norms by class and layer, and the shares of the classes in the update."""

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from interference_service.core.folds import fold_layout
from interference_service.core.metrics.classes.gradient_norm import gradient_norm
from interference_service.core.metrics.classes.plain_gradient_norm import plain_gradient_norm
from interference_service.core.metrics.classes.share_of_update import share_of_update
from interference_service.core.metrics.layers.flow import flow
from interference_service.core.metrics.layers.gradient_norm import gradient_norm as layer_norms
from interference_service.core.metrics.layers.majority_to_minority_norm_ratio import (
    majority_to_minority_norm_ratio,
)
from interference_service.core.metrics.layers.plain_gradient_norm import (
    plain_gradient_norm as layer_plain_norms,
)
from interference_service.core.metrics.layers.relative_norm import relative_norm
from interference_service.core.metrics.layers.share_of_update import (
    share_of_update as layer_shares,
)
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import random_classes
from support.brute_force_intervals import same_bounds, share_interval, share_of, square
from support.brute_force_variances import interval

COUNTS = st.lists(st.integers(3, 7), min_size=1, max_size=4)
FOLDS = st.integers(3, 5)
SEED = st.integers(0, 2**32)


def scope(counts, folds: int, X, *, priors=None, minorities=None) -> Scope:
    π = np.asarray(counts if priors is None else priors, dtype=np.float64)
    mask = np.zeros(len(π), dtype=bool) if minorities is None else np.array(minorities)
    statistics = sufficient_statistics(fold_layout(counts, folds), np.asarray(X, dtype=np.float64))
    return scope_of(statistics, Setting(π / π.sum(), mask))


def certain(*norms: float, **changes) -> Scope:
    """Classes of three equal rows each, of these norms."""
    return scope([3] * len(norms), 3, np.repeat([[norm, 0.0] for norm in norms], 3, 0), **changes)


@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=4), st.integers(3, 6), SEED, st.floats(0.3, 4)
)
def test_norms_and_shares_equal_brute_force_with_their_intervals(counts, folds, seed, signal):
    rows = random_classes(counts, folds, signal=signal, features=9, seed=seed)
    found, π = scope(counts, folds, rows.means_of_folds()), np.array(counts) / sum(counts)
    norm, share = gradient_norm(found), share_of_update(found)
    for c in np.flatnonzero(found.defined):
        squared = interval(rows, square(c))
        assert norm.values[c] == pytest.approx(np.sqrt(rows.product(c, c)))
        # Below 0 there is no norm.
        bounds = np.sqrt(np.maximum(squared, 0.0))
        assert same_bounds([norm.lower[c], norm.upper[c]], bounds)
        assert share.values[c] == pytest.approx(share_of(rows, π, c))
        wanted = share_interval(rows, π, c)
        assert same_bounds([share.lower[c], share.upper[c]], wanted)
    for column in (norm, share):
        np.testing.assert_array_equal(np.isfinite(column.values), found.defined)


@given(COUNTS, FOLDS, SEED)
def test_plain_norms_are_those_of_the_mean_gradients(counts, folds, seed):
    rows = random_classes(counts, folds, seed=seed)
    wanted = [np.linalg.norm(rows.mean(c)) for c in range(len(counts))]
    column = plain_gradient_norm(scope(counts, folds, rows.means_of_folds()))
    np.testing.assert_allclose(column.values, wanted, rtol=1e-10)
    assert column.lower is None
    assert column.upper is None


def test_plain_norms_hold_the_noise_that_corrected_ones_leave_out():
    found = scope([3], 3, [[3.0, 1.0], [3.0, -1.0], [3.0, 0.6]])
    # Products across folds are 8, 9.6 and 8.4; the mean is (3, 0.2).
    assert gradient_norm(found).values[0] == pytest.approx(np.sqrt(26 / 3))
    assert plain_gradient_norm(found).values[0] == pytest.approx(np.sqrt(9.04))


@given(COUNTS, FOLDS, SEED)
def test_shares_of_the_update_sum_to_one_where_all_are_determined(counts, folds, seed):
    rows = random_classes(counts, folds, signal=4.0, features=9, seed=seed)
    found = scope(counts, folds, rows.means_of_folds())
    assume(found.defined.all())
    shares = share_of_update(found).values
    assert shares.sum() == pytest.approx(1)
    assert (shares > 0).all()


def test_shares_weigh_norms_by_priors():
    found = certain(1, 2, 4, priors=[4, 2, 1])
    np.testing.assert_allclose(share_of_update(found).values, [1 / 3] * 3, rtol=1e-12)


def test_a_class_below_the_noise_floor_has_no_share_but_counts_in_the_sum():
    # Products of class 1 across folds are 2, 0 and 0: U = 2/3, with an interval around zero.
    found = scope([3, 3], 3, [[1, 0]] * 3 + [[2, 0], [1, 0], [0, 1]])
    assert found.defined.tolist() == [True, False]
    shares = share_of_update(found).values
    assert shares[0] == pytest.approx(1 / (1 + np.sqrt(2 / 3)))
    assert np.isnan(shares[1])


def test_a_class_without_rows_leaves_the_shares_of_the_others_as_they_are():
    rows = random_classes([6, 5], 3, signal=4.0)
    X = rows.means_of_folds()
    whole, without = share_of_update(scope([6, 0, 5], 3, X)), share_of_update(scope([6, 5], 3, X))
    for part in ("values", "lower", "upper"):
        found = getattr(whole, part)
        np.testing.assert_allclose(found[[0, 2]], getattr(without, part), rtol=1e-12)
        assert np.isnan(found[1])


@pytest.mark.parametrize("counts", [[6, 1], [6, 0]])
def test_fewer_than_two_rows_have_no_corrected_norm(counts):
    rows = random_classes(counts, 3, signal=4.0)
    found = scope(counts, 3, rows.means_of_folds())
    assert np.isfinite(gradient_norm(found).values).tolist() == [True, False]
    assert np.isfinite(plain_gradient_norm(found).values).tolist() == [True, counts[1] == 1]


def test_layers_have_one_row_of_numbers_each():
    # Two layers of two parameters; the classes move in one of them mostly.
    X = np.repeat([[3.0, 4.0, 0.0, 12.0], [0.0, 6.0, 8.0, 0.0]], 3, axis=0)
    shared = scope([3, 3], 3, X, priors=[3, 1])
    layers = [scope([3, 3], 3, X[:, part], priors=[3, 1]) for part in (slice(2), slice(2, 4))]
    parameters = (2.0, 0.0)
    for metric, wanted in (
        (layer_norms, [[5, 6], [12, 8]]),
        (layer_plain_norms, [[5, 6], [12, 8]]),
        (layer_shares, [[15 / 21, 6 / 21], [36 / 44, 8 / 44]]),
        (flow, [[5 / 13, 0.6], [12 / 13, 0.8]]),
        (relative_norm, [[2.5, 3], [np.nan, np.nan]]),
    ):
        found = [metric(shared, *each) for each in zip(layers, parameters, strict=True)]
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@given(COUNTS, FOLDS, SEED, st.lists(st.integers(1, 8), max_size=3))
def test_squared_flow_sums_to_one_over_the_shared_layers(counts, folds, seed, cuts):
    X = random_classes(counts, folds, signal=6.0, features=9, seed=seed).means_of_folds()
    shared = scope(counts, folds, X)
    layers = [scope(counts, folds, block) for block in np.split(X, sorted(set(cuts)), axis=1)]
    squares = np.stack([flow(shared, each, 1.0) for each in layers]) ** 2
    determined = np.isfinite(squares).all(0)
    np.testing.assert_allclose(squares.sum(0)[determined], 1, rtol=1e-9)
    np.testing.assert_array_equal(
        determined, shared.defined & np.all([each.defined for each in layers], axis=0)
    )


def test_the_ratio_compares_mean_norms_of_majorities_and_minorities():
    found = certain(8, 4, 1, 3, minorities=[False, False, True, True])
    assert majority_to_minority_norm_ratio(found) == pytest.approx(3)


def test_undetermined_norms_do_not_count_in_the_ratio():
    found = certain(8, 0, 2, 0, minorities=[False, False, True, True])
    assert majority_to_minority_norm_ratio(found) == pytest.approx(4)


@pytest.mark.parametrize("minorities", [[True, True], [False, False]])
def test_without_both_sides_there_is_no_ratio(minorities):
    assert np.isnan(majority_to_minority_norm_ratio(certain(8, 4, minorities=minorities)))


def test_a_class_without_a_share_is_on_neither_side_of_the_ratio():
    found = certain(8, 4, 2, priors=[1, 0, 1], minorities=[False, False, True])
    assert majority_to_minority_norm_ratio(found) == pytest.approx(4)
