"""Rounds to a target precision: how many rows come next, and why there are no more."""

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from interference_service.core.folds import fold_layout
from interference_service.core.rounds import (
    LEAST_GROWTH,
    ROWS_PER_FOLD,
    STEP,
    Goal,
    Outcome,
    Precision,
    first_rows,
    next_round,
)
from interference_service.core.scope import Setting
from support.goals import goal, left, precision

NAN = float("nan")
WIDTHS = st.one_of(st.floats(0, 10), st.just(NAN), st.just(float("inf")))
SHARES = st.one_of(st.floats(0, 1e300), st.just(0.0), st.just(NAN), st.just(float("inf")))


def decided(rows_used, wanted: Goal, found: Precision) -> tuple[list[int], Outcome | None]:
    decision = next_round(np.array(rows_used), wanted, found)
    return decision.rows_used.tolist(), decision.outcome


@st.composite
def states(draw: st.DrawFn) -> tuple[np.ndarray, Goal, Precision]:
    """Any rows so far, any goal that they fit, and any precision however absurd."""
    C = draw(st.integers(1, 5))
    each = {"min_size": C, "max_size": C}
    data = np.array(draw(st.lists(st.integers(0, 5000), **each)))
    limits = np.minimum(data, draw(st.integers(1, 5000)))
    wanted = goal(
        limits,
        judged=draw(st.lists(st.booleans(), **each)),
        data=data,
        target=draw(st.floats(1e-9, 9)),
    )
    found = precision(
        draw(st.lists(WIDTHS, **each)), draw(st.lists(st.lists(SHARES, **each), **each))
    )
    used = first_rows(limits, draw(st.integers(3, 9)))
    return np.minimum(used * 2 ** draw(st.integers(0, 5)), limits), wanted, found


def test_the_first_round_fills_the_folds_or_takes_what_there_is():
    assert first_rows(np.array([1000, 64, 20, 1, 0]), 8).tolist() == [64, 64, 20, 1, 0]


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=5), st.integers(3, 64))
def test_folds_of_a_class_stay_the_same_from_the_first_round_on(limits, folds):
    first = first_rows(np.array(limits), folds)
    all_of_them = fold_layout(limits, folds).folds_of_class
    np.testing.assert_array_equal(fold_layout(first, folds).folds_of_class, all_of_them)
    assert ROWS_PER_FOLD >= 1


def test_sampling_ends_as_soon_as_the_target_holds():
    assert decided([8, 8], goal([99, 99]), precision([1.0, 0.5])) == (
        [8, 8],
        Outcome.TARGET_REACHED,
    )


def test_classes_that_are_not_judged_may_be_as_unsure_as_they_are():
    wanted = goal([99, 99], judged=[True, False])
    assert decided([8, 8], wanted, precision([0.5, NAN]))[1] is Outcome.TARGET_REACHED


def test_a_class_whose_own_rows_are_what_is_missing_grows_up_to_its_limit():
    found = precision([2.0, 2.0, 0.5])
    # 80 / 0.7 rows leave 0.7 of the variance.
    assert decided([80, 80, 80], goal([999, 99, 999]), found) == ([114, 99, 80], None)


def test_a_class_near_the_target_grows_by_what_it_lacks():
    found = precision([1.1, 1.01])
    # 800 · 1.1² rows; 1.01² is less growth than any class has.
    assert decided([800, 800], goal([9999] * 2), found)[0] == [968, 900]


def test_the_rows_of_others_are_added_for_a_class_that_has_no_more():
    wanted = goal([8, 99], judged=[True, False])
    assert decided([8, 8], wanted, precision([2, 0], [[9, 1], [0, 0]])) == ([8, 16], None)
    wanted = goal([8, 999], judged=[True, False], target=1.7)
    # 720 / n' and the 1 that class 0 keeps are to be 10 · 0.85².
    assert decided([8, 80], wanted, precision([2, 0], [[1, 9], [0, 0]])) == ([8, 116], None)


def test_no_other_class_is_doubled_for_an_undetermined_one():
    only_first = [True, False]
    for half_width, variance in ((NAN, NAN), (NAN, 1.0), (float("inf"), 1.0)):
        found = precision([half_width, 0], [[variance, variance], [1, 1]])
        assert decided([8, 8], goal([99, 99], judged=only_first), found) == ([16, 8], None)
        ended = decided([8, 8], goal([8, 99], judged=only_first), found)
        assert ended == ([8, 8], Outcome.DATA_EXHAUSTED)


def test_the_budget_is_named_where_it_and_not_the_data_is_in_the_way():
    found = precision([2, 0], [[1, 1], [0, 0]])
    only_first = {"judged": [True, False]}
    for data, outcome in (
        ([8, 8], Outcome.DATA_EXHAUSTED),
        ([8, 9], Outcome.BUDGET_REACHED),
        ([9, 8], Outcome.BUDGET_REACHED),
    ):
        assert decided([8, 8], goal([8, 8], data=data, **only_first), found)[1] is outcome
    # More rows of a class that contributes nothing would not help, so its budget is not in the way;
    # nor is it where the class contributes to one that is not judged.
    for variances in ([[1, 0], [0, 0]], [[1, 0], [0, 1]]):
        unrelated = precision([2, 0], variances)
        ended = decided([8, 8], goal([8, 8], data=[8, 9], **only_first), unrelated)
        assert ended[1] is Outcome.DATA_EXHAUSTED
    undetermined = precision([NAN, 0], [[NAN, NAN], [0, 0]])
    ended = decided([8, 8], goal([8, 8], data=[9, 8], **only_first), undetermined)
    assert ended[1] is Outcome.BUDGET_REACHED


@given(states())
def test_a_round_grows_within_the_limits_or_sampling_ends(state):
    used, wanted, found = state
    decision = next_round(used, wanted, found)
    after = decision.rows_used
    assert (after >= used).all()
    assert (after <= wanted.limits).all()
    assert (after <= 2 * used).all()
    np.testing.assert_array_equal(after[used == wanted.limits], used[used == wanted.limits])
    enough = after >= used * (1 + LEAST_GROWTH)
    assert (enough | (after == wanted.limits) | (after == used)).all()
    assert (after > used).any() == (decision.outcome is None)


@given(states())
def test_the_target_is_said_to_be_reached_just_where_it_is(state):
    used, wanted, found = state
    reached = all(
        half <= wanted.target
        for half, judged in zip(found.half_widths, wanted.judged, strict=True)
        if judged
    )
    assert (next_round(used, wanted, found).outcome is Outcome.TARGET_REACHED) == reached


def given_up(state) -> np.ndarray:
    """Classes whose variance by classes without more rows is too large by itself."""
    used, wanted, found = state
    hopeless = np.zeros(len(used), dtype=bool)
    for c, row in enumerate(found.variances):
        spent = sum(v for v, n, most in zip(row, used, wanted.limits, strict=True) if n == most)
        if np.isfinite(found.half_widths[c]) and 0 < sum(row) < np.inf:
            alone = found.half_widths[c] * (spent / sum(row)) ** 0.5
            hopeless[c] = alone > 2 * wanted.target
    return hopeless


def test_a_class_is_given_up_where_what_is_used_up_keeps_it_far_from_the_target():
    # √0.9 of 5, which is 4.74, would be left if class 1 had rows without end.
    found = precision([5.0, 0], [[9, 1], [0, 0]])
    for target, decision in (
        (2.38, ([8, 16], None)),
        (2.36, ([8, 8], Outcome.DATA_EXHAUSTED)),
    ):
        wanted = goal([8, 99], judged=[True, False], target=target)
        assert decided([8, 8], wanted, found) == decision


def test_a_class_without_bounds_is_not_given_up_for_the_rows_of_others():
    found = precision([np.inf, 0], [[1, 9], [0, 0]])
    wanted = goal([99, 8], judged=[True, False])
    assert decided([8, 8], wanted, found) == ([16, 8], None)


def test_the_budget_is_not_in_the_way_of_a_class_that_the_data_keeps_far_from_the_target():
    """Class 1 has given all its rows; those that the budget leaves of class 0 could not help."""
    found = precision([5.0, 0], [[1, 9], [0, 0]])
    for data, outcome in (([200, 8], Outcome.DATA_EXHAUSTED), ([200, 9], Outcome.BUDGET_REACHED)):
        wanted = goal([99, 8], judged=[True, False], data=data, target=2.0)
        assert decided([8, 8], wanted, found) == ([8, 8], outcome)


@given(states())
def test_a_round_lowers_what_keeps_a_class_from_the_target(state):
    used, wanted, found = state
    decision = next_round(used, wanted, found)
    assume(decision.outcome is None)
    missing = wanted.judged & ~(found.half_widths <= wanted.target) & ~given_up(state)
    after, most = decision.rows_used, np.minimum(2 * used, wanted.limits)
    for c in np.flatnonzero(missing):
        row = np.where(np.isfinite(found.variances[c]), found.variances[c], 0.0)
        if not (np.isfinite(found.half_widths[c]) and row.any()):
            assert after[c] == most[c]
            continue
        row = row[None] / row.max()
        possible = left(used, np.maximum(most, 1), row)[0]
        kept = max((wanted.target / found.half_widths[c]) ** 2, STEP, possible)
        # Whole rows: of 3 there are none but 4.
        rounding = 1 + 0.5 / max(1, used[used > 0].min(initial=9999))
        assert left(used, np.maximum(after, 1), row)[0] <= kept * 1.01 * rounding


@settings(max_examples=25)
@given(states(), st.integers(0, 2**32))
def test_rounds_end_whatever_they_find(state, seed):
    used, wanted, _ = state
    generator, C = np.random.default_rng(seed), len(used)
    growth = np.maximum(1, wanted.limits / np.maximum(1, used))
    most = np.ceil(np.log(growth) / np.log(1 + LEAST_GROWTH)).sum()
    for _ in range(int(most) + 1):
        found = precision(generator.exponential(5, C), generator.exponential(1, (C, C)))
        decision = next_round(used, wanted, found)
        used = decision.rows_used
        if decision.outcome is not None:
            return
    pytest.fail("more rounds than steps of the least growth")


@given(states())
def test_the_decision_is_a_function_of_the_numbers_alone(state):
    used, wanted, found = state
    one, other = next_round(used, wanted, found), next_round(used.copy(), wanted, found)
    np.testing.assert_array_equal(one.rows_used, other.rows_used)
    assert one.outcome is other.outcome


@given(states(), st.randoms())
def test_no_class_that_misses_depends_on_the_order_of_the_classes(state, random):
    used, wanted, found = state
    order = np.array(random.sample(range(len(used)), len(used)))
    moved = next_round(
        used[order],
        Goal(wanted.target, wanted.judged[order], wanted.limits[order], wanted.rows_in_data[order]),
        Precision(found.half_widths[order], found.variances[np.ix_(order, order)]),
    )
    decision = next_round(used, wanted, found)
    missing = wanted.judged & ~(found.half_widths <= wanted.target) & ~given_up(state)
    # A sum in another order may round to another row.
    np.testing.assert_allclose(
        moved.rows_used[missing[order]], decision.rows_used[order][missing[order]], atol=1
    )
    assert moved.outcome is decision.outcome


def test_minorities_are_judged_or_all_classes_with_a_share_where_there_are_none():
    rows = np.array([8, 8, 0])
    priors = np.array([0.9, 0.1, 0.0])
    some = Goal.of(0.1, Setting(priors, np.array([False, True, False])), rows, rows)
    none = Goal.of(0.1, Setting(priors, np.zeros(3, dtype=bool)), rows, rows)
    assert some.judged.tolist() == [False, True, False]
    assert none.judged.tolist() == [True, True, False]
