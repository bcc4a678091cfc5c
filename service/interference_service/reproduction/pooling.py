"""Classes with few held-out rows: all splits together, and how far chance could have moved them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.reproduction.document import Cell, Table
from interference_service.reproduction.experiment import Experiment, Way
from interference_service.reproduction.records import Bounded

_FEW_ROWS = 50
"""With fewer held-out rows in a split, a class moves in steps of several points."""
_DRAWS = 2000
_BOUNDS = (2.5, 97.5)

Counts = NDArray[np.int64]


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
            rows.append(
                (
                    f"{record.class_names[place]}: {way.label}",
                    int(confusion[place].sum()),
                    int(confusion[place, place]),
                    pooled_f1(confusion, place),
                )
            )
    return [
        Table(
            title="Few held-out rows: the rows of all seeds together, with bootstrap intervals "
            "(a row, or a photo of the same thing, that is held out by several seeds counts each "
            "time, so that they are too narrow rather than too wide)",
            headings=("class", "rows", "recognised", "F1"),
            rows=tuple(rows),
        )
    ]


def pooled_f1(confusion: Counts, place: int) -> Bounded:
    """F1 of a class, with the interval of bootstrap draws of the rows of every class.

    Args:
        confusion: Rows of a class by what the network said. Has shape ``[C, C]``.
        place: Of the class.
    """
    generator = np.random.default_rng(0)
    rows = confusion.sum(1)
    said = confusion / np.maximum(rows, 1)[:, None]
    # What else was said than this class does not matter to it.
    taken = generator.binomial(rows, said[:, place], size=(_DRAWS, len(rows)))
    drawn = 2 * taken[:, place] / (rows[place] + taken.sum(1))
    lower, upper = np.percentile(drawn, _BOUNDS)
    value = 2 * confusion[place, place] / (rows[place] + confusion[:, place].sum())
    return Bounded(value=float(value), lower=float(lower), upper=float(upper))


def _together(experiment: Experiment, way: Way) -> Counts:
    matrices = [each.epochs[-1].scores.confusion for each in experiment.runs[way].values()]
    return np.array(matrices, dtype=np.int64).sum(0)
