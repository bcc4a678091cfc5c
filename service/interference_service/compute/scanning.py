"""Worker side of the scan: values and keys of every row, then the rows that were chosen."""

from dataclasses import dataclass

import numpy as np

from interference_service.compute.classes import ClassTable, Value
from interference_service.compute.context import JobContext, RowBlock
from interference_service.compute.label_sets import LabelSetTable, terms_of_rows
from interference_service.compute.plan import Indices
from interference_service.core.sampling import BottomK, row_keys
from interference_service.references.data import open_data
from interference_service.references.data.source import Fragment


@dataclass(frozen=True, slots=True)
class FragmentScan:
    """Values of the class or group column of a fragment.

    Attributes:
        values: Each of them once.
        first_rows: Number of the first row of the file that has each.
        sample: Bottom-k sample by value.
    """

    values: tuple[Value, ...]
    first_rows: Indices
    sample: BottomK


def field_of(fragment: Fragment) -> str:
    """Path of a fragment's file below the specification."""
    return f"data.uris[{fragment.file}]"


def told(fragment: Fragment) -> str:
    """Which rows a fragment has, in a few words."""
    last = fragment.first_row + fragment.num_rows - 1
    return f"rows {fragment.first_row} to {last} of {fragment.source!r}"


def scan_fragment(context: JobContext, index: int, fragment: Fragment) -> FragmentScan:
    """Count and sample one fragment.

    Args:
        context: The job.
        index: Position of the fragment; becomes the source index of its rows.
        fragment: The fragment.

    Raises:
        InvalidData: The column is missing, or holds what cannot be a class.
    """
    data = context.specification.data
    source = open_data(data, context.stores)
    column = data.group_column or data.label_column
    values, firsts, codes = np.unique(
        source.read_column(fragment, column), return_index=True, return_inverse=True
    )
    rows = np.arange(fragment.num_rows, dtype=np.int64)
    keys = row_keys(data.sampling.seed, fragment.source, rows + fragment.first_row)
    sample = BottomK.of(
        codes.astype(np.int64),
        keys,
        index,
        rows,
        num_classes=len(values),
        k=data.sampling.max_rows_per_class,
    )
    return FragmentScan(tuple(values.tolist()), firsts + fragment.first_row, sample)


def distinct_labels(context: JobContext, fragment: Fragment) -> tuple[Value, ...]:
    """Values of the label column of a fragment, for data that is grouped by another column."""
    data = context.specification.data
    column = open_data(data, context.stores).read_column(fragment, data.label_column)
    return tuple(np.unique(column).tolist())


def fetch_rows(
    context: JobContext, fragment: Fragment, rows: Indices, labels: ClassTable | LabelSetTable
) -> RowBlock:
    """Read the chosen rows of a fragment, encoded as they are stored.

    Args:
        context: The job.
        fragment: The fragment.
        rows: Positions in the fragment, ascending. Has shape ``[n]``.
        labels: Classes of the label column, or labels of its lists.

    Raises:
        InvalidData: A label stands for no class, or a column does not fit.
    """
    data = context.specification.data
    source = open_data(data, context.stores)
    if isinstance(labels, LabelSetTable):
        terms = terms_of_rows(context, fragment, rows, labels)
        return RowBlock(source.read_rows(fragment, rows), terms)
    values = source.read_column(fragment, data.label_column)[rows]
    return RowBlock(
        source.read_rows(fragment, rows), labels.indices(values, rows + fragment.first_row)
    )
