"""The tables of the page, in Markdown."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from interference_service.reproduction.early_warning.alerts import ALERTS
from interference_service.reproduction.early_warning.estimates import Estimate
from interference_service.reproduction.early_warning.firing import Warnings
from interference_service.reproduction.early_warning.observations import STAGES
from interference_service.reproduction.early_warning.prediction import (
    ALL_STAGES,
    ASKED,
    KNOWN,
    Measure,
    Question,
)
from interference_service.reproduction.early_warning.signals import SIGNALS
from interference_service.reproduction.early_warning.study import DatasetFindings
from interference_service.reproduction.report.document import table_lines

TITLES = {each.name: each.title for each in (*SIGNALS, *ALERTS)}
_NONE = "none"
_TIMES = (ALL_STAGES, *STAGES)


class Answers:
    """What was found on a data set, by what was asked."""

    def __init__(self, found: DatasetFindings) -> None:
        self._found: Mapping[Question, Measure] = {
            each.question: each for each in (*found.measures, *found.differences)
        }

    def __contains__(self, question: Question) -> bool:
        return question in self._found

    def __getitem__(self, question: Question) -> Measure:
        return self._found[question]

    def cell(self, question: Question, form: str = ".2f") -> str:
        """The answer with its interval; none where it was not asked."""
        return cell(self._found[question].estimate, form) if question in self else _NONE


def cell(estimate: Estimate, form: str = ".2f") -> str:
    """A number with its interval."""
    if math.isnan(estimate.value):
        return _NONE
    value = format(estimate.value, form)
    if not estimate.bounded:
        return f"{value} ({_NONE})"
    return f"{value} ({format(estimate.lower, form)} to {format(estimate.upper, form)})"


def failure(answers: Answers) -> list[str]:
    """Areas for failure at the end, by stage, and among rows that are alike."""
    asked = [(stage, Question(SIGNALS[0].name, "fails", stage=stage)) for stage in _TIMES]
    headings = [f"{name}<br>{_of(answers[each])}" for name, each in asked]
    return table_lines(
        ["AUC", *headings, "alike"],
        [
            [
                TITLES[signal.name],
                *(answers.cell(Question(signal.name, "fails", stage=stage)) for stage in _TIMES),
                answers.cell(Question(signal.name, "fails", among="alike")),
            ]
            for signal in SIGNALS
        ],
    )


def _of(measure: Measure) -> str:
    return f"{measure.positives} of {measure.rows}"


def final_recall(answers: Answers) -> list[str]:
    """Correlations with the recall at the end, by stage."""
    return table_lines(
        ["Spearman's correlation", *_TIMES],
        [
            [
                TITLES[signal.name],
                *(answers.cell(Question(signal.name, "recall", stage=stage)) for stage in _TIMES),
            ]
            for signal in SIGNALS
        ],
    )


def ahead(answers: Answers, horizons: Sequence[int]) -> list[str]:
    """What happens some epochs on."""
    headings = ["signal"]
    for horizon in horizons:
        measure = answers[Question(SIGNALS[0].name, "falls", horizon)]
        headings += [
            f"falls in {horizon}: AUC<br>{_of(measure)}",
            f"recall in {horizon}: correlation",
        ]
    return table_lines(
        headings,
        [
            [
                TITLES[signal.name],
                *(
                    answers.cell(Question(signal.name, target, horizon))
                    for horizon in horizons
                    for target in ("falls", "recall")
                ),
            ]
            for signal in SIGNALS
        ],
    )


def easing(answers: Answers, horizons: Sequence[int]) -> list[str]:
    """Correlations with how much the held-out loss falls."""
    untils = (*horizons, None)
    headings = [f"in {each}" if each else "by the end" for each in untils]
    return table_lines(
        ["Spearman's correlation", *headings],
        [
            [
                TITLES[signal.name],
                *(answers.cell(Question(signal.name, "loss", until)) for until in untils),
            ]
            for signal in SIGNALS
        ],
    )


def compared(answers: Answers, horizons: Sequence[int]) -> list[str]:
    """Differences of areas, and of correlations with how much the loss falls."""
    untils = (*horizons, None)
    return table_lines(
        [
            "difference",
            "AUC of fails",
            "alike",
            *(f"AUC of falls in {each}" for each in horizons),
            *(f"correlation, loss {f'in {each}' if each else 'by the end'}" for each in untils),
        ],
        [
            [
                f"{TITLES[signal]} less {TITLES[known]}",
                answers.cell(Question(signal, "fails", reference=known), "+.2f"),
                answers.cell(Question(signal, "fails", among="alike", reference=known), "+.2f"),
                *(
                    answers.cell(Question(signal, "falls", each, reference=known), "+.2f")
                    for each in horizons
                ),
                *(
                    answers.cell(Question(signal, "loss", each, reference=known), "+.2f")
                    for each in untils
                ),
            ]
            for signal in ASKED
            for known in KNOWN
        ],
    )


def undetermined(answers: Answers, observations: int) -> list[str]:
    """Areas where numbers that are undetermined count one way and the other."""
    rows = []
    for signal in SIGNALS:
        left_out = Question(signal.name, "fails")
        ways = [Question(signal.name, "fails", undetermined=way) for way in ("healthy", "ill")]
        if ways[0] in answers:
            missing = observations - answers[left_out].rows
            cells = map(answers.cell, (left_out, *ways))
            rows.append([TITLES[signal.name], f"{missing} of {observations}", *cells])
    headings = ["AUC of fails", "undetermined", "left out", "as healthy", "as ill"]
    return table_lines(headings, rows) if rows else ["No signal is undetermined anywhere."]


def leads(warnings: Sequence[Warnings]) -> list[str]:
    """When alerts fire for minorities that fail, and for those that do not."""
    failing, well = warnings[0].failing, warnings[0].well
    headings = [
        "alert",
        f"fires, of {failing} that fail",
        "epochs before the end",
        "part of the training that is left",
        "before, with, after low recall, never",
        f"fires, of {well} that do not fail",
    ]
    return table_lines(
        headings,
        [
            [
                TITLES[each.alert],
                cell(each.warned, ".0%"),
                _quartiles(each.leads, ".0f"),
                _quartiles(each.fractions, ".0%"),
                f"{each.before_recall}, {each.with_recall}, {each.after_recall}, {each.never}",
                cell(each.well_warned, ".0%"),
            ]
            for each in warnings
        ],
    )


def _quartiles(values: Sequence[float], form: str) -> str:
    if not values:
        return _NONE
    low, middle, high = (format(each, form) for each in np.quantile(values, (0.25, 0.5, 0.75)))
    return f"{middle} ({low} to {high})"


def alarms(found: DatasetFindings) -> list[str]:
    """How often alerts fire where nothing is wrong."""
    headings = [
        "alert",
        "minorities that do not fail, each analysis",
        "classes of balanced trainings, each analysis",
        "analyses of balanced trainings",
    ]
    return table_lines(
        headings,
        [
            [
                TITLES[each.alert],
                *(cell(rate, ".1%") for rate in (each.well, each.balanced, each.balanced_analyses)),
            ]
            for each in found.false_alarms
        ],
    )
