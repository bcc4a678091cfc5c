"""Quotients with Fieller's bounds."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from scipy import special, stats

from interference_service.core.ratio import Ratio
from support.brute_force_intervals import exit_from, same_bound, same_bounds

HALF = 0.5
"""With one degree of freedom the quantile of Student's t at this level is 1."""
INF, NAN = np.inf, np.nan


def ratio(N, D, vNN, vND, vDD, freedom=1.0) -> Ratio:
    return Ratio(*(np.asarray(each, dtype=float) for each in (N, D, vNN, vND, vDD, freedom)))


def bounds(found: Ratio, confidence: float = HALF) -> tuple[float, float]:
    lower, upper = found.bounds(confidence)
    return float(lower), float(upper)


@st.composite
def ratios(draw: st.DrawFn) -> Ratio:
    """Any numerator, positive denominator and pair of correlated errors."""
    sN, sD, r = draw(st.floats(0.01, 3)), draw(st.floats(0.01, 3)), draw(st.floats(-0.99, 0.99))
    N, D, freedom = draw(st.floats(-5, 5)), draw(st.floats(0.1, 5)), draw(st.floats(1, 60))
    return ratio(N, D, sN**2, r * sN * sD, sD**2, freedom)


LEVELS = st.sampled_from([0.5, 0.8, 0.95, 0.98, 0.999])


def test_independent_errors_worked_out_by_hand():
    # (3 − 2κ)² = 1 + κ², so 3κ² − 12κ + 8 = 0.
    assert bounds(ratio(3, 2, 1, 0, 1)) == pytest.approx((2 - 2 / 3**0.5, 2 + 2 / 3**0.5))


def test_correlated_errors_worked_out_by_hand():
    # (3 − 2κ)² = 1 − κ + κ², so 3κ² − 11κ + 8 = 0.
    assert bounds(ratio(3, 2, 1, 0.5, 1)) == pytest.approx((1, 8 / 3))


def test_the_quantile_is_that_of_student_at_the_level():
    # A sure denominator leaves N ± t s, divided by D.
    t = stats.t(7).ppf(0.95)
    wanted = (3 - 0.5 * t) / 2, (3 + 0.5 * t) / 2
    assert bounds(ratio(3, 2, 0.25, 0, 0, 7), 0.9) == pytest.approx(wanted)


def test_an_uncertain_denominator_leaves_one_side_without_bound():
    # (2 − κ)² > 1 + 4κ² between the roots of 3κ² + 4κ − 3; the value is 2, or −2.
    root = (-4 + 52**0.5) / 6
    assert bounds(ratio(2, 1, 1, 0, 4)) == pytest.approx((root, INF))
    assert bounds(ratio(-2, 1, 1, 0, 4)) == pytest.approx((-INF, -root))


def test_an_uncertain_quotient_has_no_bounds_at_all():
    # (1 − κ)² ≤ 4 + 4κ² for every κ.
    assert bounds(ratio(1, 1, 4, 0, 4)) == (-INF, INF)


def test_a_point_that_is_only_just_not_rejected_bounds_nothing():
    # κ² ≤ 4κ² for every κ, with equality at 0 alone.
    assert bounds(ratio(0, 1, 0, 0, 4)) == (-INF, INF)


def test_a_denominator_just_significant_keeps_both_bounds():
    lower, upper = bounds(ratio(2, 1, 1, 0, 1 - 1e-6))
    assert lower == pytest.approx(0.75, abs=1e-5)
    assert 1e5 < upper < INF
    lower, upper = bounds(ratio(2, 1, 1, 0, 1 + 1e-6))
    assert lower == pytest.approx(0.75, abs=1e-5)
    assert upper == INF


def test_a_denominator_at_the_very_edge_of_significance_has_bounds_that_hold():
    # With D = t the square of κ drops out of (2 − κD)² ≤ t² (1 + κ²), which leaves κ ≥ 3/4.
    t = float(special.stdtrit(1, 0.75))
    lower, upper = bounds(ratio(2, t, 1, 0, 1))
    assert lower <= 0.75 + 1e-9
    assert upper == INF


@given(st.floats(-5, 5), st.floats(0.1, 5))
def test_without_variance_the_bounds_are_the_value(N, D):
    lower, upper = bounds(ratio(N, D, 0, 0, 0))
    assert lower <= N / D <= upper
    assert (lower, upper) == pytest.approx((N / D, N / D), abs=1e-12)


@given(ratios(), LEVELS)
def test_bounds_equal_the_inversion_of_the_test_by_search(found, confidence):
    N, D, vNN, vND, vDD, freedom = (float(getattr(found, name)) for name in Ratio.__slots__)
    t = stats.t(freedom).ppf((1 + confidence) / 2)
    # The search cannot tell a bound beyond its reach, nor a gap smaller than its steps.
    assume(abs(D**2 - t**2 * vDD) > 1e-4 * D**2)
    b, c = N * D - t**2 * vND, N**2 - t**2 * vNN
    discriminant = b**2 - (D**2 - t**2 * vDD) * c
    assume(abs(discriminant) > 1e-2 * (b**2 + abs(D**2 - t**2 * vDD) * abs(c)))

    def excess(kappa: float) -> float:
        return (N - kappa * D) ** 2 - t**2 * (vNN - 2 * kappa * vND + kappa**2 * vDD)

    wanted = [exit_from(excess, N / D, direction, growth=1.02) for direction in (-1.0, 1.0)]
    assert same_bounds(bounds(found, confidence), wanted)


@given(ratios(), LEVELS)
def test_the_value_lies_between_the_bounds(found, confidence):
    lower, upper = bounds(found, confidence)
    assert lower <= found.value <= upper


@given(ratios())
def test_bounds_widen_with_the_confidence(found):
    levels = [bounds(found, each) for each in (0.5, 0.8, 0.95, 0.999)]
    for (inner, outer), (lower, upper) in pairwise(levels):
        assert lower <= inner or same_bound(lower, inner)
        assert upper >= outer or same_bound(upper, outer)


@given(ratios(), LEVELS)
def test_one_more_than_a_ratio_has_bounds_of_one_more(found, confidence):
    one, other = bounds(found, confidence), bounds(found.plus_one(), confidence)
    assert found.plus_one().value == pytest.approx(found.value + 1)
    assert same_bounds(other, [each + 1 for each in one])


@given(ratios(), LEVELS, st.floats(0.1, 10), st.floats(0.1, 10))
def test_bounds_follow_the_scales_of_numerator_and_denominator(found, confidence, p, q):
    scaled = Ratio(
        found.numerator * p,
        found.denominator * q,
        found.numerator_variance * p**2,
        found.covariance * p * q,
        found.denominator_variance * q**2,
        found.degrees_of_freedom,
    )
    one, other = bounds(found, confidence), bounds(scaled, confidence)
    assert same_bounds(other, [each * p / q for each in one])


@given(ratios(), LEVELS)
def test_the_other_sign_has_the_other_bounds(found, confidence):
    mirrored = replace(found, numerator=-found.numerator, covariance=-found.covariance)
    lower, upper = bounds(found, confidence)
    assert same_bounds(bounds(mirrored, confidence), (-upper, -lower))


@given(ratios(), LEVELS)
def test_zero_is_excluded_exactly_where_the_numerator_is_significant(found, confidence):
    N, s = float(found.numerator), float(np.sqrt(found.numerator_variance))
    t = float(stats.t(found.degrees_of_freedom).ppf((1 + confidence) / 2))
    assume(abs(abs(N) - t * s) > 1e-6)
    lower, upper = bounds(found, confidence)
    assert (lower > 0) == (t * s < N)
    assert (upper < 0) == (t * s < -N)


@pytest.mark.parametrize("denominator_variance", [1, 9])
@pytest.mark.parametrize("missing", Ratio.__slots__)
def test_where_anything_is_undetermined_so_are_the_bounds(missing, denominator_variance):
    found = replace(ratio(1, 2, 1, 0, denominator_variance), **{missing: np.asarray(NAN)})
    assert np.isnan(bounds(found)).all()


def test_a_denominator_of_zero_has_no_bounds():
    with np.errstate(divide="ignore"):
        assert np.isnan(bounds(ratio(1, 0, 1, 0, 1))).all()


def test_bounds_keep_the_shape_and_the_place_of_every_ratio():
    N, D = [[3.0, 2.0], [-2.0, 1.0]], [[2.0, 1.0], [1.0, 1.0]]
    vNN, vND, vDD = [[1, 1], [1, 4]], [[0.5, 0], [0, 0]], [[1, 4], [4, 4]]
    lower, upper = ratio(N, D, vNN, vND, vDD, np.ones((2, 2))).bounds(HALF)
    for at in np.ndindex(2, 2):
        alone = ratio(*(np.array(each)[at] for each in (N, D, vNN, vND, vDD)))
        wanted = bounds(alone)
        assert same_bound(lower[at], wanted[0])
        assert same_bound(upper[at], wanted[1])
