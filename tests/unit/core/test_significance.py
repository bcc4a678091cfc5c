"""Tests against the noise floor, false discoveries, and bounds for many classes at once."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from interference_service.core.folds import fold_layout
from interference_service.core.scope import Setting, scope_of
from interference_service.core.significance import (
    benjamini_hochberg,
    sidak_level,
    significant_pairs,
)
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import BruteForce, random_classes, slow_benjamini_hochberg

P_VALUES = st.lists(st.one_of(st.floats(0, 1), st.just(np.nan), st.floats(0, 0.05)), max_size=12)


def determined(rows: BruteForce, folds: int) -> np.ndarray:
    C = rows.num_classes
    statistics = sufficient_statistics(fold_layout(rows.counts(), folds), rows.means_of_folds())
    return scope_of(statistics, Setting(np.full(C, 1 / C), np.zeros(C, dtype=bool))).defined


def test_the_example_of_benjamini_and_hochberg():
    """Section 3.2 of the paper: of 15 ordered p-values the least 4 are rejected at 5 %."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert benjamini_hochberg(np.array(p), 0.05).tolist() == [True] * 4 + [False] * 11


@given(P_VALUES, st.floats(0.001, 0.5))
def test_rejections_equal_the_slow_reference(p, rate):
    assert benjamini_hochberg(np.array(p), rate).tolist() == slow_benjamini_hochberg(p, rate)


@given(P_VALUES, st.randoms())
def test_rejections_follow_their_p_values_in_any_order(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    found = benjamini_hochberg(np.array(p))
    shuffled = benjamini_hochberg(np.array([p[each] for each in order]))
    assert shuffled.tolist() == [bool(found[each]) for each in order]


def test_a_p_value_on_its_line_is_rejected():
    # Exact in binary, unlike 5 %.
    assert benjamini_hochberg(np.array([0.25, 0.5]), 0.5).tolist() == [True, True]
    assert benjamini_hochberg(np.array([0.25, 0.75]), 0.5).tolist() == [True, False]


def test_an_undetermined_p_value_neither_counts_nor_is_rejected():
    # Alone 0.04 is below 5 %; with one more hypothesis its line is at 2.5 %.
    assert benjamini_hochberg(np.array([np.nan, 0.04, np.nan])).tolist() == [False, True, False]
    assert benjamini_hochberg(np.array([1.0, 0.04])).tolist() == [False, False]
    assert not benjamini_hochberg(np.full(3, np.nan)).any()


def test_significant_pairs_are_judged_together_and_on_both_sides():
    # 0.03 is below 2 · 5 % / 3, though not below 5 % / 3.
    p = np.full((3, 3), np.nan)
    for (c, d), value in {(0, 1): 0.01, (0, 2): 0.03, (1, 2): 0.9}.items():
        p[c, d] = p[d, c] = value
    found = significant_pairs(p)
    assert found.tolist() == [[False, True, True], [True, False, False], [True, False, False]]


def test_one_class_has_no_pairs():
    assert significant_pairs(np.array([[np.nan]])).tolist() == [[False]]


@given(
    st.lists(st.integers(3, 7), min_size=2, max_size=3),
    st.integers(3, 5),
    st.floats(0.1, 2.0),
    st.integers(0, 2**32),
)
def test_a_class_is_determined_where_its_norm_is_significantly_positive(
    counts, folds, signal, seed
):
    rows = random_classes(counts, folds, signal=signal, seed=seed)
    variance = rows.jackknife(lambda rest: np.diag(rest.gram()))
    for c, found in enumerate(determined(rows, folds)):
        U, freedom = rows.product(c, c), len(list(rows.folds_of(c))) - 1
        p = stats.t(freedom).sf(U / np.sqrt(variance[c, c]))
        assert abs(p - 0.05) < 1e-9 or found == (U > 0 and p < 0.05)


def test_pure_noise_is_rarely_taken_for_a_gradient():
    """At 5 %, of 400 classes without a gradient fewer than 8 % are determined (20 ± 4.4)."""
    rows = random_classes([16] * 400, 8, signal=0.0, seed=2)
    assert determined(rows, 8).mean() < 0.08


def test_a_strong_gradient_is_determined():
    assert determined(random_classes([16] * 5, 8, signal=3.0, seed=2), 8).all()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_fewer_than_three_folds_cannot_be_tested(rows):
    found = determined(random_classes([6, rows], 3, signal=50.0), 3)
    assert found.tolist() == [True, False]


@pytest.mark.parametrize("count", [1, 2, 10, 50])
def test_independent_intervals_at_the_level_hold_together(count):
    level = sidak_level(0.95, count)
    assert level**count == pytest.approx(0.95)
    assert level >= 0.95


def test_no_interval_needs_no_stricter_level():
    assert sidak_level(0.95, 0) == 0.95
