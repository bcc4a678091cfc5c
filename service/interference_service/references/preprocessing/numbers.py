"""Numeric columns to tensors: reshape, scale, normalise, cast."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interference_service.domain.inputs import ColumnsSource, InputType, TensorSource
from interference_service.errors import InvalidData
from interference_service.references.data.columns import NumberColumn, Rows


def number_tensor(source: TensorSource, rows: Rows, field: str, dtype: torch.dtype) -> Tensor:
    """One column of lists or numbers.

    Args:
        source: What is done to each row.
        rows: The batch.
        field: Path of the source.
        dtype: Of the result, where it is not of integers.

    Returns:
        Has shape ``[n, *shape]``.

    Raises:
        InvalidData: The values do not fit.
    """
    batch = _numbers(rows, source.column, f"{field}.column", source.type, dtype)
    if source.shape:
        if batch[0].numel() != int(np.prod(source.shape)):
            raise InvalidData.at(
                f"{field}.shape",
                f"is {list(source.shape)}, but {source.column!r} has {batch[0].numel()} numbers a row",
            )
        batch = batch.reshape(len(batch), *source.shape)
    if source.scale != 1:
        batch = batch * source.scale
    for name, values in (("mean", source.mean), ("standard_deviation", source.standard_deviation)):
        if values and (batch.dim() < 2 or batch.shape[1] != len(values)):
            raise InvalidData.at(
                f"{field}.{name}",
                f"has {len(values)} values for rows of shape {list(batch.shape[1:])}; one per entry "
                "of the first axis is needed",
            )
    moved = batch.movedim(1, -1) if batch.dim() > 1 else batch
    moved = _normalised(moved, source.mean, source.standard_deviation)
    batch = moved.movedim(-1, 1) if batch.dim() > 1 else moved
    return batch.contiguous()


def column_tensor(source: ColumnsSource, rows: Rows, field: str, dtype: torch.dtype) -> Tensor:
    """Several columns, side by side.

    Args:
        source: Which, and what is done to each.
        rows: The batch.
        field: Path of the list of columns.
        dtype: Of the result, where it is not of integers.

    Returns:
        Has shape ``[n, columns]``.

    Raises:
        InvalidData: The values do not fit.
    """
    parts = []
    for index, name in enumerate(source.columns):
        part = _numbers(rows, name, f"{field}[{index}]", source.type, dtype)
        if part.dim() != 1:
            raise InvalidData.at(f"{field}[{index}]", f"{name!r} holds lists, not single numbers")
        parts.append(part)
    batch = torch.stack(parts, dim=1)
    return _normalised(batch, source.mean, source.standard_deviation)


def _numbers(rows: Rows, name: str, field: str, kind: InputType, dtype: torch.dtype) -> Tensor:
    column = rows.columns[name]
    if not isinstance(column, NumberColumn):
        raise InvalidData.at(field, f"{name!r} holds bytes or lists of any length, not numbers")
    # Arrays of the object store are read-only; torch wants to own what it writes.
    values: Any = np.array(column.values)
    integer = kind is InputType.INT64
    if integer and not np.issubdtype(values.dtype, np.integer):
        raise InvalidData.at(field, f"{name!r} holds {values.dtype}, not integers")
    if integer and values.dtype == np.uint64 and values.max(initial=0) > np.iinfo(np.int64).max:
        raise InvalidData.at(field, f"{name!r} holds an integer of more than 63 bits")
    return torch.from_numpy(values).to(torch.int64 if integer else dtype)


def _normalised(
    batch: Tensor, mean: Sequence[float], standard_deviation: Sequence[float]
) -> Tensor:
    """Normalise along the last axis."""
    if mean:
        batch = batch - batch.new_tensor(mean)
    if standard_deviation:
        batch = batch / batch.new_tensor(standard_deviation)
    return batch
