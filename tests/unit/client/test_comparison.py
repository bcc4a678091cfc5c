"""What got worse and what got better from one result to another."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_client import Estimate, Result
from interference_client.comparison import compare, difference
from interference_client.testing import FakeClass, FakeResult

bounded = st.tuples(st.floats(-5, 5), st.floats(0, 3), st.floats(0, 3)).map(
    lambda each: Estimate(each[0], each[0] - each[1], each[0] + each[2])
)


def result(**classes: FakeClass) -> Result:
    return Result(FakeResult(classes).message("projects/p/analysisJobs/j"), lambda *_: iter(()))


def minority(value: float, width: float = 0.1, **more) -> FakeClass:
    return FakeClass(progress_ratio=(value, value - width, value + width), minority=True, **more)


@given(bounded, bounded)
def test_the_interval_of_a_difference_holds_it_and_turns_with_its_sign(one, other):
    found, turned = difference(one, other), difference(other, one)
    assert found.lower <= found.value <= found.upper
    np.testing.assert_allclose((turned.lower, turned.upper), (-found.upper, -found.lower))


@given(bounded, bounded)
def test_intervals_that_do_not_meet_are_a_clear_difference(one, other):
    if one.upper < other.lower - 1e-9:
        assert difference(one, other).lower > 0


def test_symmetric_intervals_add_in_squares():
    found = difference(Estimate(1.0, 0.7, 1.3), Estimate(2.0, 1.6, 2.4))
    assert (found.value, found.lower, found.upper) == pytest.approx((1.0, 0.5, 1.5))


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (0.9, 0.2, "WORSE"),
        (0.2, 0.9, "BETTER"),
        (0.9, 0.85, "UNCLEAR"),
        (0.9, math.nan, "UNDETERMINED"),
    ],
)
def test_a_class_changes_where_the_interval_says_so(before, after, outcome):
    found = compare(result(rare=minority(before)), result(rare=minority(after)))
    assert found.classes[0].outcome == outcome


def test_the_minorities_decide_and_all_classes_where_there_are_none():
    many = FakeClass(progress_ratio=(0.9, 0.8, 1.0))
    fewer = FakeClass(progress_ratio=(0.2, 0.1, 0.3))
    rare = minority(0.5)
    assert compare(result(a=many, r=rare), result(a=fewer, r=rare)).outcome == "NOT_WORSE"
    assert compare(result(a=many), result(a=fewer)).outcome == "WORSE"
    assert compare(result(a=many), result(b=many)).outcome == "UNDETERMINED"


def test_what_is_newly_unlearned_is_worse_whatever_the_interval():
    before, after = minority(-0.1, 0.5), minority(-0.2, 0.5, unlearned=True)
    found = compare(result(rare=before), result(rare=after))
    assert found.classes[0].progress_ratio.outcome == "UNCLEAR"
    assert (found.outcome, [each.id for each in found.worse]) == ("WORSE", ["rare"])
    assert compare(result(rare=after), result(rare=before)).classes[0].recovered


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ({}, {"new": minority(-0.5, unlearned=True)}, "WORSE"),
        ({}, {"new": minority(math.nan)}, "UNDETERMINED"),
        ({}, {"new": minority(0.5)}, "NOT_WORSE"),
        ({"gone": minority(0.5)}, {}, "UNDETERMINED"),
        ({"gone": FakeClass()}, {"new": FakeClass()}, "NOT_WORSE"),
        ({"gone": minority(0.5)}, {"new": minority(-0.5, unlearned=True)}, "WORSE"),
    ],
)
@pytest.mark.parametrize("rest", [{"common": FakeClass()}, {"rare": minority(0.5)}])
def test_minorities_that_come_or_go_decide_too(before, after, outcome, rest):
    found = compare(result(**rest, **before), result(**rest, **after))
    assert found.outcome == outcome
    minorities = [name for name, each in before.items() if each.minority]
    assert found.to_dict()["removed_minorities"] == minorities


def test_a_new_minority_hides_no_class_that_got_worse():
    common, fewer = minority(0.9), minority(0.2)
    majority = FakeClass(progress_ratio=common.progress_ratio)
    worse = FakeClass(progress_ratio=fewer.progress_ratio)
    assert compare(result(a=majority), result(a=worse, new=common)).outcome == "WORSE"


def test_less_suppression_is_better():
    before = minority(0.5, suppression=(0.6, 0.5, 0.7))
    after = minority(0.5, suppression=(0.1, 0.0, 0.2))
    assert compare(result(r=before), result(r=after)).classes[0].suppression.outcome == "BETTER"


def test_bounds_for_all_at_once_go_before_those_of_one():
    wide = {"progress_ratio_simultaneous": (0.2, -0.8, 1.2)}
    found = compare(result(r=minority(0.9)), result(r=minority(0.2, metrics=wide)))
    assert found.classes[0].outcome == "UNCLEAR"


def test_changes_within_the_tolerance_are_none():
    before, after = result(r=minority(0.9, 0.01)), result(r=minority(0.8, 0.01))
    assert after.compare(before).outcome == "WORSE"
    assert after.compare(before, tolerance=0.2).outcome == "NOT_WORSE"
    with pytest.raises(ValueError, match="0 or more"):
        after.compare(before, tolerance=-1)


def test_the_worst_stands_first_and_classes_that_came_or_went_are_named():
    before = result(a=minority(0.5), b=minority(0.9), gone=minority(0.1))
    after = result(a=minority(0.6), b=minority(0.1), new=minority(0.1))
    found = after.compare(before)
    assert [each.id for each in found.classes] == ["b", "a"]
    assert (found.removed, found.added) == (("gone",), ("new",))
    document = found.to_dict()
    assert document["classes"][0]["outcome"] == "WORSE"
    assert document["summary"]["worst_progress_ratio"]["after"]["value"] == 0.1
