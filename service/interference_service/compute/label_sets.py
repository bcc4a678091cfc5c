"""Worker side of rows with sets of labels: which there are, and what group a row is used for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from interference_service.compute.classes import ClassTable, Value, label_table
from interference_service.compute.context import JobContext
from interference_service.compute.plan import Indices
from interference_service.core.multi_label import UNUSED, LabelSets, Terms, slots_of
from interference_service.core.sampling import BottomK, row_keys
from interference_service.domain.options import MAX_CLASSES
from interference_service.domain.specification import ABSENT
from interference_service.errors import InvalidData
from interference_service.references.data import open_data
from interference_service.references.data.columns import LabelLists
from interference_service.references.data.source import Fragment

_FIELD = "data.label_column"


@dataclass(frozen=True, slots=True)
class FoundLabels:
    """Labels of a fragment, and the most that one of its rows has."""

    values: tuple[Value, ...]
    most: int


@dataclass(frozen=True, slots=True)
class LabelSetTable:
    """Which labels there are, and into how many slots rows are dealt.

    Attributes:
        labels: The labels, in the order of the model's outputs.
        slots: S, as many as any row has groups.
    """

    labels: ClassTable
    slots: int

    @property
    def num_labels(self) -> int:
        """C."""
        return len(self.labels.ids)

    @property
    def groups(self) -> ClassTable:
        """The labels and, last, the group of absent labels."""
        return ClassTable(
            (*self.labels.ids, ABSENT), (*self.labels.values, ABSENT), self.labels.field
        )

    def dealt(
        self, lists: LabelLists, fragment: Fragment, seed: int, rows: Indices
    ) -> tuple[LabelSets, Indices]:
        """Sets of labels, and the group that each row is used for.

        Args:
            lists: Labels of some rows.
            fragment: The fragment that has them.
            seed: Key of the hash.
            rows: Their positions in it. Has shape ``[n]``.

        Raises:
            InvalidData: A label stands for no output of the model.
        """
        sets = LabelSets.of(self.labels.indices(lists.labels), lists.sizes, self.num_labels)
        slots = slots_of(seed, fragment.source, rows + fragment.first_row, self.slots)
        return sets, sets.assigned(slots)


@dataclass(frozen=True, slots=True)
class LabelSetScan:
    """What a fragment has of every group.

    Attributes:
        sample: Of the rows that are used for each.
        rows: Rows that belong to it, used for it or not. Has shape ``[C + 1]``.
        terms: Terms of the loss. Has shape ``[C + 1]``.
    """

    sample: BottomK
    rows: Indices
    terms: Indices


def find_labels(context: JobContext, fragment: Fragment) -> FoundLabels:
    """Labels of a fragment.

    Raises:
        InvalidData: The column is missing, holds no lists of classes, or too many classes.
    """
    distinct: set[Value] = set()
    most = 0
    for lists in open_data(context.specification.data, context.stores).read_label_lists(fragment):
        values, codes = np.unique(lists.labels, return_inverse=True)
        sets = LabelSets.of(codes, lists.sizes, max(1, len(values)))
        most = max(most, int(sets.sizes.max(initial=0)))
        distinct.update(values.tolist())
        if len(distinct) > MAX_CLASSES:
            raise InvalidData.at(
                _FIELD, f"lists more than {MAX_CLASSES} different labels, the most there may be"
            )
    return FoundLabels(tuple(distinct), most)


def label_set_table(
    found: Sequence[FoundLabels], class_names: Sequence[str], num_outputs: int
) -> LabelSetTable:
    """The labels of all fragments.

    Raises:
        InvalidData: Names, labels and model do not agree, or a label is called as the absent ones.
    """
    distinct = list({value: None for each in found for value in each.values})
    labels = label_table(distinct, class_names, num_outputs)
    if ABSENT in labels.ids:
        raise InvalidData.at(
            _FIELD, f"lists {ABSENT!r}, the name of the group of absent labels; rename the label"
        )
    return LabelSetTable(labels, 1 + max(each.most for each in found))


def scan_label_sets(
    context: JobContext, index: int, fragment: Fragment, table: LabelSetTable
) -> LabelSetScan:
    """Count and sample the groups of one fragment.

    Args:
        context: The job.
        index: Position of the fragment; becomes the source index of its rows.
        fragment: The fragment.
        table: The labels.

    Raises:
        InvalidData: A label stands for no output of the model.
    """
    data = context.specification.data
    counts = np.zeros((2, table.num_labels + 1), dtype=np.int64)
    groups = np.full(fragment.num_rows, UNUSED, dtype=np.int64)
    for lists in open_data(data, context.stores).read_label_lists(fragment):
        rows = lists.first_row + np.arange(len(lists.sizes), dtype=np.int64)
        sets, groups[rows] = table.dealt(lists, fragment, data.sampling.seed, rows)
        counts += sets.rows_of_groups(), sets.terms_of_groups()
    used = np.flatnonzero(groups != UNUSED)
    sample = BottomK.of(
        groups[used],
        row_keys(data.sampling.seed, fragment.source, used + fragment.first_row),
        index,
        used,
        num_classes=table.num_labels + 1,
        k=data.sampling.max_rows_per_class,
    )
    return LabelSetScan(sample, counts[0], counts[1])


def terms_of_rows(
    context: JobContext, fragment: Fragment, rows: Indices, table: LabelSetTable
) -> Terms:
    """The terms of chosen rows that belong to the group that each is used for.

    Args:
        context: The job.
        fragment: The fragment.
        rows: Positions in it, ascending. Has shape ``[n]``.
        table: The labels.

    Returns:
        See ``LabelSets.terms``. Has shape ``[n, C]``.
    """
    return np.concatenate(list(_terms_by_batch(context, fragment, rows, table)))


def _terms_by_batch(
    context: JobContext, fragment: Fragment, rows: Indices, table: LabelSetTable
) -> Iterator[Terms]:
    data = context.specification.data
    for lists in open_data(data, context.stores).read_label_lists(fragment):
        end = lists.first_row + len(lists.sizes)
        mine = rows[(rows >= lists.first_row) & (rows < end)]
        chosen = lists.take(mine - lists.first_row)
        sets, groups = table.dealt(chosen, fragment, data.sampling.seed, mine)
        yield sets.terms(groups)
