"""The rows of an analysis, and where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from interference_service.compute.plan import Indices
from interference_service.core.sampling import BottomK
from interference_service.errors import InvalidData


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected rows, ordered by class and within a class by rank.

    Attributes:
        fragment: Fragment that holds each row. Has shape ``[n]``.
        row: Its position in the fragment. Has shape ``[n]``.
        position: Its position among the selected rows of the fragment, in the fragment's order.
            Has shape ``[n]``.
        rows_used: Rows of each class. Has shape ``[C]``.
        rows_available: Rows of each class that may be used. Has shape ``[C]``.
        rows_in_data: Rows of each class in the data. Has shape ``[C]``.
    """

    fragment: Indices
    row: Indices
    position: Indices
    rows_used: Indices
    rows_available: Indices
    rows_in_data: Indices

    def wanted(self, fragment: int) -> Indices:
        """Rows of a fragment to be read, ascending. Has shape ``[m]``."""
        return np.sort(self.row[self.fragment == fragment])

    def between(self, before: Indices, after: Indices) -> "Selection":
        """The rows of one round: those of rank ``before`` up to, but without, ``after``.

        Args:
            before: Rows of every class in the rounds before. Has shape ``[C]``.
            after: Rows of every class in these and this round. Has shape ``[C]``.
        """
        classes = np.repeat(np.arange(len(self.rows_used)), self.rows_used)
        starts = np.cumsum(self.rows_used) - self.rows_used
        rank = np.arange(len(classes)) - starts[classes]
        kept = (rank >= before[classes]) & (rank < after[classes])
        fragment, row = self.fragment[kept], self.row[kept]
        return replace(
            self,
            fragment=fragment,
            row=row,
            position=_positions(fragment, row),
            rows_used=after - before,
        )

    def positions(self, rows: Indices) -> tuple[Indices, Indices]:
        """Where selected rows lie in what was read.

        Args:
            rows: Positions in the selection. Has shape ``[n]``.

        Returns:
            The fragment of each, and its position among the rows read of that fragment. Both have
            shape ``[n]``.
        """
        return self.fragment[rows], self.position[rows]


def select(samples: Sequence[BottomK], classes: Sequence[Indices], num_classes: int) -> Selection:
    """The rows of an analysis from the samples of all fragments.

    Args:
        samples: Sample of every fragment under class numbers of its own.
        classes: For every fragment the class of each of its numbers.
        num_classes: C.

    Raises:
        InvalidData: Fewer than two classes have rows, so nothing can interfere.
    """
    relabelled = [
        sample.relabelled(own, num_classes) for sample, own in zip(samples, classes, strict=True)
    ]
    sample = relabelled[0].merge(*relabelled[1:])
    if (sample.totals > 0).sum() < 2:
        raise InvalidData.at(
            "data.label_column", "has rows of one class alone; interference needs two"
        )
    rows_used = np.bincount(sample.classes, minlength=num_classes).astype(np.int64)
    position = _positions(sample.sources, sample.rows)
    return Selection(sample.sources, sample.rows, position, rows_used, sample.totals, sample.totals)


def _positions(fragment: Indices, row: Indices) -> Indices:
    order = np.lexsort((row, fragment))
    grouped = fragment[order]
    position = np.empty(len(row), dtype=np.int64)
    position[order] = np.arange(len(row)) - np.searchsorted(grouped, grouped)
    return position
