"""How well signals of today tell a class's future, in numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interference_service.reproduction.early_warning.correlation import (
    correlation_difference,
    rank_correlation,
)
from interference_service.reproduction.early_warning.estimates import Estimate
from interference_service.reproduction.early_warning.futures import (
    Among,
    Futures,
    of_a_horizon,
    of_the_end,
    ranked_by_loss,
    that_can_fall,
)
from interference_service.reproduction.early_warning.observations import STAGES, Observation
from interference_service.reproduction.early_warning.separation import area, difference
from interference_service.reproduction.early_warning.signals import SIGNALS

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

Target: TypeAlias = Literal["fails", "falls", "recall", "loss"]
Undetermined: TypeAlias = Literal["left out", "healthy", "ill"]
"""How a number that is undetermined counts."""

ALL_STAGES = "all"
ASKED = ("progress_ratio", "descent_rate", "suppression", "cosine")
"""Signals whose worth is in question."""
KNOWN = ("plain_cosine", "share", "loss", "recall")
"""Signals that they must be better than: the paper's, and what is to be had without gradients."""
KNOWN_OF_THE_LOSS = ("plain_cosine", "share")
"""Likewise of its fall, which held-out loss is a part of: one that is high by noise falls more."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a signal.

    Attributes:
        signal: Its name.
        target: Whether a class fails at the end, whether it falls by the horizon, its recall then,
            or how much its loss falls until then.
        horizon: Epochs ahead; None: the end of the training.
        stage: Third of the training that the rows are of, or all.
        reference: The signal whose answer is taken off; empty: none.
    """

    signal: str
    target: Target
    horizon: int | None = None
    stage: str = ALL_STAGES
    among: Among = "all"
    undetermined: Undetermined = "left out"
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """The answer.

    Attributes:
        estimate: Spearman's correlation with the recall, or with the fall of the loss; of the
            other targets the area under the ROC curve; or the difference of two such numbers.
        rows: That have a part in it.
        positives: Those of them that have the outcome; None for correlations.
    """

    question: Question
    estimate: Estimate
    rows: int
    positives: int | None


def measures(
    seen: Sequence[Observation], draws: Matrix, horizons: Sequence[int]
) -> Iterator[Measure]:
    """Ask every signal for every target.

    Yields:
        The answers, the same questions for every data set.
    """
    end = of_the_end(seen, draws)
    for stage in (ALL_STAGES, *STAGES):
        rows = end if stage == ALL_STAGES else end.where(each.stage == stage for each in end.seen)
        for signal in SIGNALS:
            yield _area(rows, Question(signal.name, "fails", stage=stage))
            yield _area(rows, Question(signal.name, "fails", stage=stage, among="alike"))
            yield _correlation(rows, Question(signal.name, "recall", stage=stage))
    for signal in SIGNALS:
        yield _correlation(ranked_by_loss(end), Question(signal.name, "loss"))
        if np.isnan(end.health(signal.name)).any():
            yield _area(end, Question(signal.name, "fails", undetermined="healthy"))
            yield _area(end, Question(signal.name, "fails", undetermined="ill"))
    for horizon in horizons:
        rows = of_a_horizon(seen, draws, horizon)
        able = that_can_fall(rows)
        for signal in SIGNALS:
            yield _area(able, Question(signal.name, "falls", horizon))
            yield _correlation(rows, Question(signal.name, "recall", horizon))
            yield _correlation(ranked_by_loss(rows), Question(signal.name, "loss", horizon))


def differences(
    seen: Sequence[Observation], draws: Matrix, horizons: Sequence[int]
) -> Iterator[Measure]:
    """Compare every signal in question with every one that it must be better than.

    Yields:
        Differences of areas, and of correlations.
    """
    end = of_the_end(seen, draws)
    ahead = {each: of_a_horizon(seen, draws, each) for each in horizons}
    able = {horizon: that_can_fall(each) for horizon, each in ahead.items()}
    easing = {until: ranked_by_loss(each) for until, each in (*ahead.items(), (None, end))}
    for signal in ASKED:
        for reference in KNOWN:
            yield _area_difference(end, Question(signal, "fails", reference=reference))
            if reference != "share":  # rows that are alike have one share
                alike = Question(signal, "fails", among="alike", reference=reference)
                yield _area_difference(end, alike)
            for horizon, rows in able.items():
                falls = Question(signal, "falls", horizon, reference=reference)
                yield _area_difference(rows, falls)
            for until, rows in easing.items() if reference in KNOWN_OF_THE_LOSS else ():
                eases = Question(signal, "loss", until, reference=reference)
                yield _correlation_difference(rows, eases)


def _area(rows: Futures, question: Question) -> Measure:
    rows, health = _determined(rows, question)
    found = area(rows.pairs(health, question.among), rows.draws)
    return Measure(question, found, len(health), int(rows.outcome.sum()))


def _both_determined(rows: Futures, question: Question) -> Futures:
    names = (question.signal, question.reference)
    one, other = (~np.isnan(rows.health(each)) for each in names)
    return rows.where(one & other)


def _area_difference(rows: Futures, question: Question) -> Measure:
    rows = _both_determined(rows, question)
    ours, theirs = (
        rows.pairs(rows.health(each), question.among)
        for each in (question.signal, question.reference)
    )
    found = difference(ours, theirs, rows.draws)
    return Measure(question, found, len(rows.seen), int(rows.outcome.sum()))


def _correlation_difference(rows: Futures, question: Question) -> Measure:
    rows = _both_determined(rows, question)
    ours, theirs = (rows.health(each) for each in (question.signal, question.reference))
    found = correlation_difference(ours, theirs, rows.later, rows.runs, rows.draws)
    return Measure(question, found, len(rows.seen), None)


def _correlation(rows: Futures, question: Question) -> Measure:
    rows, health = _determined(rows, question)
    found = rank_correlation(health, rows.later, rows.runs, rows.draws)
    return Measure(question, found, len(health), None)


def _determined(rows: Futures, question: Question) -> tuple[Futures, Vector]:
    """The rows that count, with the signal of each."""
    health = rows.health(question.signal)
    unknown = np.isnan(health)
    if question.undetermined == "left out":
        return rows.where(~unknown), health[~unknown]
    return rows, np.where(
        unknown, np.inf if question.undetermined == "healthy" else -np.inf, health
    )
