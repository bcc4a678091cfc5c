"""A few labelled rows that a model is tried with before any of its gradients counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

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
    """Rows of a few fragments, of as many classes as there is room for.

    Attributes:
        rows: The rows, encoded.
        labels: The label of each, of shape ``[n]``, or its list of labels.
        found: All labels that were seen when the rows were chosen.
        first_rows: Number of the first row of the file that has each of them.
        complete: Whether there are no other labels in the data.
    """

    rows: Rows
    labels: "NDArray[np.generic] | LabelLists"
    found: tuple[Value, ...]
    first_rows: Indices
    complete: bool = False


def trial_of(
    data: DataReference,
    kind: LossKind,
    source: DataSource,
    fragments: Sequence[Fragment],
    most: int = ROWS,
) -> Trial:
    """Choose and read rows of the first, the middle and the last fragment.

    Data is often sorted by class. So labels of the other fragments count as well, as far as their
    paths tell them.

    Args:
        data: Where they are.
        kind: Of the loss, which says whether rows have lists of labels.
        source: The data.
        fragments: Its parts that have rows, at least one.
        most: Rows that the model takes at once.

    Raises:
        InvalidData: A column is missing, or holds what does not fit, or nothing.
    """
    middle, end = len(fragments) // 2, len(fragments) - 1
    looked = [fragments[each] for each in sorted({0, middle, end})]
    if kind is LossKind.MULTI_LABEL:
        return _of_lists(data, source, looked, most)
    columns = [source.read_column(each, data.label_column) for each in looked]
    if not all(map(len, columns)):
        raise _nothing(data)
    others = [each for each in fragments if each not in looked]
    told = {each: source.constant(each, data.label_column) for each in others}
    _check_one_kind([*(each[0] for each in columns), *told.values()])
    values = np.concatenate(columns)
    numbers = np.concatenate(
        [each.first_row + np.arange(each.num_rows) for each in looked], dtype=np.int64
    )
    distinct, firsts = np.unique(values, return_index=True)
    chosen = _chosen(firsts, min(most, len(values)))
    first_rows = dict(zip(distinct.tolist(), numbers[firsts].tolist(), strict=True))
    for fragment, value in told.items():
        if value is not None:
            first_rows.setdefault(value, fragment.first_row)
    return Trial(
        _rows_of(source, looked, chosen),
        values[chosen],
        tuple(first_rows),
        np.array(list(first_rows.values()), dtype=np.int64),
        complete=None not in told.values(),
    )


def _of_lists(
    data: DataReference, source: DataSource, fragments: Sequence[Fragment], most: int
) -> Trial:
    first_rows: dict[Value, int] = {}
    batches = [next(iter(source.read_label_lists(each)), None) for each in fragments]
    for fragment, lists in zip(fragments, batches, strict=True):
        if lists is None:
            raise _nothing(data)
        found, firsts = np.unique(lists.labels, return_index=True)
        rows = np.arange(len(lists.sizes)).repeat(lists.sizes)[firsts] + fragment.first_row
        for value, row in zip(found.tolist(), rows.tolist(), strict=True):
            first_rows.setdefault(value, row)
    _check_one_kind(list(first_rows))
    lists = cast("LabelLists", batches[0])
    chosen = np.arange(min(most, len(lists.sizes)), dtype=np.int64)
    return Trial(
        source.read_rows(fragments[0], chosen),
        lists.take(chosen),
        tuple(first_rows),
        np.array(list(first_rows.values()), dtype=np.int64),
    )


def _rows_of(source: DataSource, fragments: Sequence[Fragment], chosen: Indices) -> Rows:
    """Rows of several fragments, whose positions go on from one to the next."""
    parts, start = [], 0
    for fragment in fragments:
        mine = chosen[(chosen >= start) & (chosen < start + fragment.num_rows)] - start
        if len(mine):
            parts.append(source.read_rows(fragment, mine))
        start += fragment.num_rows
    try:
        return Rows.concatenate(parts)
    except ValueError as error:
        raise InvalidData.at(
            "data.inputs",
            f"differ in length from one file to another: {error}; one length is needed",
        ) from error


def _check_one_kind(values: Sequence[Value | None]) -> None:
    if len({isinstance(each, str) for each in values if each is not None}) > 1:
        raise InvalidData.at(
            "data.label_column", "holds both integers and strings; it must hold one of them"
        )


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
    """The classes, as far as they are known: unless that is complete, there may be more."""
    found = trial.found
    unnamed = not class_names and any(isinstance(each, str) for each in found)
    if unnamed and not trial.complete and len(found) < num_outputs:
        names = tuple(sorted(str(each) for each in found))
        return ClassTable(names, names, "data.label_column")
    table = label_table(found, class_names, num_outputs)
    table.indices(np.array(found), trial.first_rows)
    return table
