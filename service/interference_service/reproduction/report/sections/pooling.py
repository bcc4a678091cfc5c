"""Classes with few held-out rows: all splits together, and how far chance could have moved them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.reproduction.records import Bounded
from interference_service.reproduction.report.confusion import Interval, bootstrap, f1
from interference_service.reproduction.report.document import Cell, Table
from interference_service.reproduction.report.experiment import Experiment, Way

CAVEAT = (
    "Where a minority has few held-out rows, a bootstrap says how far their choice alone could have "
    "moved F1. It takes rows as independent: one that several seeds hold out counts each time, and "
    "pictures of one thing resemble each other, so that its intervals are too narrow rather than too "
    "wide. Where none is recognised, or all are and nothing else is taken for them, there is none."
)
_FEW_ROWS = 50
"""With fewer held-out rows in a split, a class moves in steps of several points."""


def pooled_table(experiment: Experiment, names: Sequence[str]) -> list[Table]:
    """F1 of the classes with few held-out rows, of all seeds' rows together; none without such.

    Args:
        experiment: The trainings.
        names: Of the classes that are asked for.
    """
    record = experiment.example
    places = [record.class_names.index(name) for name in names]
    few = [each for each in places if 0 < record.evaluation_rows[each] < _FEW_ROWS]
    if not few:
        return []
    rows: list[tuple[Cell, ...]] = []
    for place in few:
        for way in experiment.networks:
            confusion = _together(experiment, way)
            found = bootstrap(confusion, f1)
            rows.append(
                (
                    f"{record.class_names[place]}: {way.label}",
                    int(confusion[place].sum()),
                    int(confusion[place, place]),
                    _bounded(found, place),
                )
            )
    return [
        Table(
            title="Few held-out rows: those of all seeds together, with bootstrap intervals",
            headings=("class", "rows", "recognised", "F1"),
            rows=tuple(rows),
        )
    ]


def _bounded(found: Interval, place: int) -> Bounded:
    """Of a class; without an interval where all draws are the same, as of a class never recognised."""
    lower, upper = float(found.lower[place]), float(found.upper[place])
    if lower == upper:
        return Bounded(value=float(found.value[place]))
    return Bounded(value=float(found.value[place]), lower=lower, upper=upper)


def _together(experiment: Experiment, way: Way) -> NDArray[np.int64]:
    matrices = [each.epochs[-1].scores.confusion for each in experiment.runs[way].values()]
    together: NDArray[np.int64] = np.array(matrices, np.int64).sum(0)
    return together
