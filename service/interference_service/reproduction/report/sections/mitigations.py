"""What other losses and rules for gradients do to interference, and to the minorities' recall."""

from statistics import fmean

from interference_service.reproduction.records import RunRecord
from interference_service.reproduction.report.document import Cell, Section, Table
from interference_service.reproduction.report.experiment import BASE, Experiment
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
    rows: list[tuple[Cell, ...]] = []
    for way in (*experiment.networks, *experiment.mitigations):
        base = way == BASE
        rows.append(
            (
                way.label,
                experiment.share(way, minority_recall),
                None if base else experiment.difference(way, minority_recall),
                experiment.share(way, macro_f1),
                *(experiment.mean(way, each.over_training) for each in _MEASURES),
            )
        )
    headings = ("trained", "minority recall", "difference", "macro F1")
    table = Table(
        title="Networks and mitigations",
        headings=(*headings, *(each.title for each in _MEASURES)),
        rows=tuple(rows),
    )
    return Section(title="Mitigations", text=(_NOTE,), tables=(table,))


def minority_recall(record: RunRecord) -> float | None:
    """Mean recall of the minorities that have held-out rows."""
    found = [recall(record, name=name) for name in record.minorities]
    known = [each for each in found if each is not None]
    return fmean(known) if known else None
