"""What the numbers allow to be said, by rules that know no favourite.

A claim needs an interval that excludes its reference: half for an area, 0 for a correlation or a
difference. An interval that holds it is said to hold it, and where there is no interval nothing is
claimed.
"""

import math
from collections.abc import Iterator

from interference_service.reproduction.early_warning.alerts import RECALL_ALERT
from interference_service.reproduction.early_warning.estimates import NOTHING, Estimate
from interference_service.reproduction.early_warning.firing import FalseAlarms, Warnings
from interference_service.reproduction.early_warning.prediction import (
    ASKED,
    KNOWN,
    KNOWN_OF_THE_LOSS,
    Measure,
    Question,
)
from interference_service.reproduction.early_warning.study import Content, DatasetFindings
from interference_service.reproduction.early_warning.tables import TITLES, Answers, cell

_CHANCE = 0.5


def sentences(found: DatasetFindings) -> Iterator[str]:
    """Say what was found on a data set.

    Yields:
        Sentences, those on the claim first.
    """
    why_not = _nothing_to_tell(found.content)
    if why_not:
        yield why_not
    else:
        yield from _claims(found)
    if found.content.observations:
        yield from _claims_of_the_loss(found)
    for warning, alarm in zip(found.warnings, found.false_alarms, strict=True):
        parts = _fires(warning, alarm)
        if parts:
            title = TITLES[warning.alert]
            yield f"“{title[0].upper()}{title[1:]}” fires {'; '.join(parts)}."


def _nothing_to_tell(content: Content) -> str:
    """Why no signal can be shown to tell which minorities fail; empty: one can."""
    if content.observations == 0:
        return "No minority was analysed before the end: there is nothing to tell anything by."
    if content.failing in (0, content.minorities):
        which = "all" if content.failing else "none"
        return f"Of {content.minorities} minorities {which} fail: there is nothing to tell apart."
    return ""


def _claims(found: DatasetFindings) -> Iterator[str]:
    answers = Answers(found)
    for signal in ASKED:
        yield against_chance(answers[Question(signal, "fails")])
        yield against_chance(answers[Question(signal, "fails", among="alike")])
        known = [answers[Question(signal, "fails", reference=each)] for each in KNOWN]
        yield f"Its AUC less that of {'; '.join(map(against_known, known))}."


def _claims_of_the_loss(found: DatasetFindings) -> Iterator[str]:
    answers = Answers(found)
    until = min(found.horizons, default=None)
    for signal in ASKED:
        yield of_the_loss(answers[Question(signal, "loss", until)])
        known = [
            answers[Question(signal, "loss", until, reference=each)] for each in KNOWN_OF_THE_LOSS
        ]
        yield f"Its correlation less that of {'; '.join(map(against_known, known))}."


def of_the_loss(measure: Measure) -> str:
    """Whether a signal tells which minorities' loss will fall less than others'."""
    estimate, asked = measure.estimate, measure.question
    ahead = "by the end" if asked.horizon is None else f"in {asked.horizon} epochs"
    when = "in the next epoch" if asked.horizon == 1 else ahead
    subject = f"The {TITLES[asked.signal]} and how much the held-out loss falls {when}"
    number = f"correlation {interval(estimate, '+.2f')}"
    if not estimate.bounded:
        return f"{subject}: nothing can be claimed, {number}."
    verdict = {
        1: "it falls less where the signal is less healthy",
        0: "no connection is shown, as the interval holds 0",
        -1: "it falls more where the signal is less healthy, the wrong way",
    }[estimate.beyond(0)]
    return f"{subject}: {verdict}, {number}."


def against_chance(measure: Measure) -> str:
    """Whether a signal tells anything."""
    estimate, asked = measure.estimate, measure.question
    among = " among rows that are alike" if asked.among == "alike" else ""
    subject = f"The {TITLES[asked.signal]}{among}"
    if not estimate.bounded:
        return f"{subject}: nothing can be claimed. AUC {interval(estimate)}."
    side = estimate.beyond(_CHANCE)
    verdict = {
        1: "tells minorities that will fail from the others better than chance",
        0: "tells minorities that will fail from the others no better than chance",
        -1: "points the wrong way, as minorities that will fail look healthier",
    }[side]
    holds = "" if side else "; the interval holds 0.5"
    return f"{subject} {verdict}: AUC {interval(estimate)}{holds}."


def against_known(measure: Measure) -> str:
    """Whether it tells more than another."""
    estimate = measure.estimate
    number = f"{TITLES[measure.question.reference]}: {interval(estimate, '+.2f')}"
    if not estimate.bounded:
        return f"{number}, nothing can be claimed"
    return {
        1: f"{number}, better",
        0: f"{number}, no better as the interval holds 0",
        -1: f"{number}, worse",
    }[estimate.beyond(0)]


def _fires(warning: Warnings, alarm: FalseAlarms) -> list[str]:
    parts = []
    if warning.failing:
        parts.append(
            f"before the end for {interval(warning.warned, '.0%')} of {warning.failing} minorities "
            "that fail"
        )
    if warning.failing and warning.alert != RECALL_ALERT.name:
        parts.append(
            f"before held-out recall is low for {warning.before_recall} of them, at the same "
            f"analysis for {warning.with_recall}, later for {warning.after_recall}"
        )
    if warning.well:
        parts.append(
            f"for {interval(warning.well_warned, '.0%')} of {warning.well} that do not fail"
        )
    if alarm.balanced.why != NOTHING:
        parts.append(
            f"for {interval(alarm.balanced, '.1%')} of classes and analyses in balanced trainings"
        )
    return parts


def interval(estimate: Estimate, form: str = ".2f") -> str:
    """A number with its interval, or why there is none."""
    if math.isnan(estimate.value):
        return f"undetermined ({estimate.why})"
    if not estimate.bounded:
        return f"{format(estimate.value, form)} (no interval: {estimate.why})"
    return cell(estimate, form)
