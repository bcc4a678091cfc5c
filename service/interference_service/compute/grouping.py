"""The classes or groups of an analysis, once all fragments are scanned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interference_service.compute.classes import ClassTable
from interference_service.compute.label_sets import LabelSetScan, LabelSetTable
from interference_service.compute.plan import Indices
from interference_service.compute.scanning import FragmentScan
from interference_service.compute.selection import Selection, select


@dataclass(frozen=True, slots=True)
class Grouping:
    """What the rows of an analysis are compared by.

    Attributes:
        labels: What makes the targets of the rows.
        classes: Classes or groups of the analysis.
        selection: All rows that may be used.
        terms: Terms of the loss in the data, in proportion to which a class has its share of the
            update: its rows, if a row has one term. Has shape ``[C]``.
        factors: What the summed loss of a row of each class is multiplied by to be the mean of a
            term. Has shape ``[C]``.
    """

    labels: ClassTable | LabelSetTable
    classes: ClassTable
    selection: Selection
    terms: Indices
    factors: NDArray[np.float64]


def grouped_by_class(
    labels: ClassTable, classes: ClassTable, scans: Sequence[FragmentScan]
) -> Grouping:
    """Groups of rows that have one class or value each.

    Args:
        labels: Classes of the labels.
        classes: Classes or groups of the analysis.
        scans: Of all fragments.

    Raises:
        InvalidData: A value stands for no class, or fewer than two classes have rows.
    """
    selection = select(
        [scan.sample for scan in scans],
        [classes.indices(np.array(scan.values), scan.first_rows) for scan in scans],
        len(classes.ids),
    )
    factors = np.ones(len(classes.ids))
    return Grouping(labels, classes, selection, selection.rows_in_data, factors)


def grouped_by_label(table: LabelSetTable, scans: Sequence[LabelSetScan]) -> Grouping:
    """A group for every label, and one of the absent labels of all rows.

    Args:
        table: The labels.
        scans: Of all fragments.

    Raises:
        InvalidData: Fewer than two groups have rows.
    """
    count = table.num_labels + 1
    rows = np.sum([scan.rows for scan in scans], axis=0)
    terms = np.sum([scan.terms for scan in scans], axis=0)
    selection = select([scan.sample for scan in scans], [np.arange(count) for _ in scans], count)
    # A row has one positive term of a label, but as many negative ones as it lacks labels.
    factors = rows / np.maximum(terms, 1)
    factors[terms == 0] = 1.0
    return Grouping(table, table.groups, replace(selection, rows_in_data=rows), terms, factors)
