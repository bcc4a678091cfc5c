"""What other losses and rules for gradients do to interference, and to the minorities' recall."""

from statistics import fmean

from interference_service.reproduction.records import RunRecord
from interference_service.reproduction.report.document import Cell, Section, Table
from interference_service.reproduction.report.experiment import BASE, Experiment, Way
from interference_service.reproduction.report.measures import (
    COSINE,
    PLAIN_COSINE,
    PROGRESS,
    SUPPRESSION,
)
from interference_service.reproduction.report.scores import macro_f1, recall

_MEASURES = (PLAIN_COSINE, COSINE, PROGRESS, SUPPRESSION)
_NOTE = (
    "With the class-balanced and the logit-adjusted loss the analyses are of that loss, with the "
    "shares that its classes have in the update. With per-class normalised and projected gradients "
    "they are of the mean gradient at the weights that training reached: what the rule had to work "
    "against, not what it left."
)


def mitigations_section(experiment: Experiment) -> Section | None:
    """The mitigations beside the networks; None where none was trained."""
    if not experiment.mitigations:
        return None
    ways = (*experiment.networks, *experiment.mitigations)
    tables = [_table("Networks and mitigations", [_numbers(experiment, way) for way in ways])]
    if BASE in experiment.runs:
        differences = [_differences(experiment, way) for way in experiment.mitigations]
        tables.append(_table("Mitigations minus multi-branch, paired by seed", differences))
    return Section(title="Mitigations", text=(_NOTE,), tables=tuple(tables))


def _table(title: str, rows: list[tuple[Cell, ...]]) -> Table:
    headings = ("trained", "minority recall", "macro F1", *(each.title for each in _MEASURES))
    return Table(title=title, headings=headings, rows=tuple(rows))


def _numbers(experiment: Experiment, way: Way) -> tuple[Cell, ...]:
    return (
        way.label,
        experiment.share(way, minority_recall),
        experiment.share(way, macro_f1),
        *(experiment.mean(way, each.over_training) for each in _MEASURES),
    )


def _differences(experiment: Experiment, way: Way) -> tuple[Cell, ...]:
    numbers = (minority_recall, macro_f1, *(each.over_training for each in _MEASURES))
    return (way.label, *(experiment.difference(way, each) for each in numbers))


def minority_recall(record: RunRecord) -> float | None:
    """Mean recall of the minorities that have held-out rows."""
    found = [recall(record, name=name) for name in record.minorities]
    known = [each for each in found if each is not None]
    return fmean(known) if known else None
