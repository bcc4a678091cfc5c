"""What the gates of a specification say about a result."""

import math
from enum import StrEnum
from typing import assert_never

from pydantic import ConfigDict

from interference_service.domain.inputs import Value
from interference_service.domain.specification import Comparison, Gate


class Outcome(StrEnum):
    """Of one gate, or the worst of all: VIOLATED, then UNDETERMINED."""

    PASSED = "PASSED"
    VIOLATED = "VIOLATED"
    UNDETERMINED = "UNDETERMINED"


class Estimate(Value):
    """A number with the interval that holds it; NaN where undetermined."""

    # JSON has no NaN; as null it could not be read back.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    value: float = math.nan
    lower: float = math.nan
    upper: float = math.nan


class GateOutcome(Value):
    """What one gate says."""

    gate_id: str
    outcome: Outcome
    observed: Estimate
    explanation: str


class Verdict(Value):
    """What all gates say."""

    outcome: Outcome
    gates: tuple[GateOutcome, ...] = ()


def judge(gate: Gate, observed: Estimate) -> GateOutcome:
    """Judge one gate on the interval of its subject, not on the point estimate.

    Args:
        gate: The condition.
        observed: Its subject. A subject without bounds, such as a count, is its own interval.

    Returns:
        VIOLATED where the whole interval violates the bound, PASSED where the whole interval keeps
        it, UNDETERMINED otherwise.
    """
    lower, upper = observed.lower, observed.upper
    match gate.comparison:
        case Comparison.AT_LEAST:
            sign, keeps, violates = "≥", lower >= gate.bound, upper < gate.bound
        case Comparison.AT_MOST:
            sign, keeps, violates = "≤", upper <= gate.bound, lower > gate.bound
        case _:
            assert_never(gate.comparison)
    outcome = Outcome.PASSED if keeps else Outcome.VIOLATED if violates else Outcome.UNDETERMINED
    return GateOutcome(
        gate_id=gate.id,
        outcome=outcome,
        observed=observed,
        explanation=(
            f"{gate.subject} = {observed.value:.4g} in [{lower:.4g}, {upper:.4g}], "
            f"wanted {sign} {gate.bound:g}"
        ),
    )


def verdict(outcomes: tuple[GateOutcome, ...]) -> Verdict:
    """The worst of all outcomes; PASSED without gates."""
    found = {each.outcome for each in outcomes}
    for outcome in (Outcome.VIOLATED, Outcome.UNDETERMINED):
        if outcome in found:
            return Verdict(outcome=outcome, gates=outcomes)
    return Verdict(outcome=Outcome.PASSED, gates=outcomes)
