"""Gates are judged on intervals."""

import math

import pytest
from hypothesis import given, strategies as st

from interference_service.domain.specification import Comparison, Gate
from interference_service.domain.verdict import Estimate, Outcome, judge, verdict

finite = st.floats(-1e6, 1e6)


def gate(comparison: Comparison, bound: float) -> Gate:
    return Gate(id="g", subject="summary/x", comparison=comparison, bound=bound)


@pytest.mark.parametrize(
    ("comparison", "lower", "upper", "outcome"),
    [
        (Comparison.AT_LEAST, 0.0, 1.0, Outcome.PASSED),
        (Comparison.AT_LEAST, -0.1, 1.0, Outcome.UNDETERMINED),
        (Comparison.AT_LEAST, -1.0, -0.1, Outcome.VIOLATED),
        (Comparison.AT_LEAST, -1.0, 0.0, Outcome.UNDETERMINED),
        (Comparison.AT_MOST, -1.0, 0.0, Outcome.PASSED),
        (Comparison.AT_MOST, -1.0, 0.1, Outcome.UNDETERMINED),
        (Comparison.AT_MOST, 0.1, 1.0, Outcome.VIOLATED),
        (Comparison.AT_MOST, 0.0, 1.0, Outcome.UNDETERMINED),
        (Comparison.AT_LEAST, -math.inf, math.nextafter(0.0, -1.0), Outcome.VIOLATED),
        (Comparison.AT_LEAST, -math.inf, math.inf, Outcome.UNDETERMINED),
        (Comparison.AT_LEAST, math.nan, math.nan, Outcome.UNDETERMINED),
        (Comparison.AT_MOST, math.nan, math.nan, Outcome.UNDETERMINED),
    ],
)
def test_a_gate_is_judged_by_where_the_whole_interval_lies(comparison, lower, upper, outcome):
    observed = Estimate(value=(lower + upper) / 2, lower=lower, upper=upper)
    assert judge(gate(comparison, 0.0), observed).outcome is outcome


@given(finite, finite, finite)
def test_the_two_comparisons_mirror_each_other(a, b, bound):
    lower, upper = min(a, b), max(a, b)
    plain = judge(gate(Comparison.AT_LEAST, bound), Estimate(value=a, lower=lower, upper=upper))
    mirrored = judge(
        gate(Comparison.AT_MOST, -bound), Estimate(value=-a, lower=-upper, upper=-lower)
    )
    assert plain.outcome is mirrored.outcome


def test_the_worst_outcome_wins():
    def outcome(*lowers_and_uppers):
        outcomes = tuple(
            judge(gate(Comparison.AT_LEAST, 0.0), Estimate(value=0.0, lower=low, upper=high))
            for low, high in lowers_and_uppers
        )
        return verdict(outcomes).outcome

    passed, open_, violated = (1.0, 2.0), (-1.0, 2.0), (-2.0, -1.0)
    assert outcome() is Outcome.PASSED
    assert outcome(passed, passed) is Outcome.PASSED
    assert outcome(passed, open_) is Outcome.UNDETERMINED
    assert outcome(open_, violated, passed) is Outcome.VIOLATED


def test_the_explanation_names_subject_interval_and_bound():
    text = judge(
        gate(Comparison.AT_LEAST, 0.5), Estimate(value=0.2, lower=0.1, upper=0.3)
    ).explanation
    assert text == "summary/x = 0.2 in [0.1, 0.3], wanted ≥ 0.5"
