"""A few labelled rows that a model is tried with before any of its gradients counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interference_service.compute.classes import ClassTable, Value, label_table
from interference_service.compute.plan import Indices
from interference_service.domain.options import LossKind
from interference_service.domain.specification import ABSENT, DataReference
from interference_service.errors import InvalidData
from interference_service.references.data.columns import LabelLists, Rows
from interference_service.references.data.source import DataSource, Fragment

ROWS = 8
"""Enough for a row of each of some classes, and cheap for any network."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows of one fragment, of as many classes as there is room for.

    Attributes:
        rows: The rows, encoded.
        labels: The label of each, of shape ``[n]``, or its list of labels.
        found: All labels that were seen when the rows were chosen.
        first_rows: Number of the first row of the file that has each of them.
    """

    rows: Rows
    labels: "NDArray[np.generic] | LabelLists"
    found: tuple[Value, ...]
    first_rows: Indices


def trial_of(
    data: DataReference,
    kind: LossKind,
    source: DataSource,
    fragment: Fragment,
    most: int = ROWS,
) -> Trial:
    """Choose and read rows.

    Args:
        data: Where they are.
        kind: Of the loss, which says whether rows have lists of labels.
        source: The data.
        fragment: A part of it that has rows.
        most: Rows that the model takes at once.

    Raises:
        InvalidData: A column is missing, or holds what does not fit, or nothing.
    """
    if kind is LossKind.MULTI_LABEL:
        lists = next(iter(source.read_label_lists(fragment)), None)
        if lists is None:
            raise _nothing(data)
        chosen = np.arange(min(most, len(lists.sizes)), dtype=np.int64)
        found, firsts = np.unique(lists.labels, return_index=True)
        first_rows = np.arange(len(lists.sizes)).repeat(lists.sizes)[firsts] + fragment.first_row
        rows = source.read_rows(fragment, chosen)
        return Trial(rows, lists.take(chosen), tuple(found.tolist()), first_rows)
    values = source.read_column(fragment, data.label_column)
    if not len(values):
        raise _nothing(data)
    distinct, firsts = np.unique(values, return_index=True)
    chosen = _chosen(firsts, min(most, len(values)))
    rows = source.read_rows(fragment, chosen)
    first_rows = firsts + fragment.first_row
    return Trial(rows, values[chosen], tuple(distinct.tolist()), first_rows)


def _nothing(data: DataReference) -> InvalidData:
    return InvalidData.at(
        "data.label_column", f"is {data.label_column!r}, which holds fewer rows than its file says"
    )


def _chosen(firsts: Indices, count: int) -> Indices:
    """The first row of every class and the first rows of all, as many as there is room for."""
    order = [*sorted(firsts.tolist()), *range(count)]
    return np.array(sorted(list(dict.fromkeys(order))[:count]), dtype=np.int64)


def targets_of(
    trial: Trial, class_names: Sequence[str], num_outputs: int
) -> tuple[Tensor, tuple[str, ...]]:
    """What the loss compares the rows' logits with.

    Args:
        trial: The rows.
        class_names: As requested; may be empty.
        num_outputs: Classes that the model tells apart, C.

    Returns:
        Classes, of shape ``[n]``, or terms of all labels, ``[n, C]``; and a class of every row.

    Raises:
        InvalidData: A label that was seen stands for no output of the model.
    """
    table = _known(trial, class_names, num_outputs)
    if not isinstance(trial.labels, LabelLists):
        classes = table.indices(trial.labels)
        return torch.from_numpy(classes), tuple(table.ids[each] for each in classes)
    labels, sizes = table.indices(trial.labels.labels), trial.labels.sizes
    terms = torch.full((len(sizes), num_outputs), -1, dtype=torch.int8)
    terms[torch.arange(len(sizes)).repeat_interleave(torch.from_numpy(sizes)), labels] = 1
    starts = np.cumsum(sizes) - sizes
    ids = (
        table.ids[labels[start]] if size else ABSENT
        for start, size in zip(starts, sizes, strict=True)
    )
    return terms, tuple(ids)


def _known(trial: Trial, class_names: Sequence[str], num_outputs: int) -> ClassTable:
    """The classes, as far as a part of the data tells them: all of it may have more."""
    found = trial.found
    unnamed = not class_names and any(isinstance(each, str) for each in found)
    if unnamed and len(found) < num_outputs:
        names = tuple(sorted(str(each) for each in found))
        return ClassTable(names, names, "data.label_column")
    table = label_table(found, class_names, num_outputs)
    table.indices(np.array(found), trial.first_rows)
    return table
