"""Parameters that are spread over the rows of a batch."""

from typing import Any

import torch
from torch import Tensor

from interference_service.core.segmented.axes import BatchAxis
from interference_service.core.segmented.table import CurrentBatch, Run, applied


class _Spread(torch.autograd.Function):
    """A view of the value with a batch axis; its gradient is summed run by run."""

    @staticmethod
    def forward(
        ctx: Any,
        _anchor: Tensor,
        values: tuple[Tensor],
        batch: CurrentBatch,
        at: BatchAxis,
        shape: tuple[int, ...],
    ) -> Tensor:
        (value,) = values
        ctx.batch, ctx.at, ctx.value = batch, at, value
        return _expanded(value.detach(), batch, at, shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
        gradient, batch, at = gradients[0], ctx.batch, ctx.at
        keep = [axis for axis in range(gradient.dim()) if axis != at.axis]
        sums = batch.sums(gradient, at, keep)
        batch.table.add(ctx.value, batch.segments, sums.reshape(-1, *ctx.value.shape))
        return None, None, None, None, None


def spread(value: Tensor, batch: CurrentBatch, at: BatchAxis, dimensions: int) -> Tensor:
    """The value once for every row, as broadcasting would.

    Args:
        value: Depends on parameters alone.
        batch: The batch.
        at: Where the result has its rows.
        dimensions: Of the tensor that it meets.

    Returns:
        A view with the batch axis, and axes of length 1 before those of the value.

    Raises:
        RuntimeError: The value has entries of its own there.
    """
    shape = (1,) * (dimensions - value.dim()) + tuple(value.shape)
    if shape[at.axis] != 1:
        raise RuntimeError("a parameter has several entries where the rows of the batch are")
    if not value.requires_grad:
        return _expanded(value, batch, at, shape)
    return applied(_Spread, batch.anchor, (value,), batch, at, shape)


def _expanded(value: Tensor, batch: CurrentBatch, at: BatchAxis, shape: tuple[int, ...]) -> Tensor:
    sizes = list(shape)
    sizes[at.axis] = batch.rows * at.outer * at.inner
    return value.reshape(shape).expand(sizes)


class _OfRun(torch.autograd.Function):
    """The value itself; its gradient is that of one run."""

    @staticmethod
    def forward(
        ctx: Any, _anchor: Tensor, values: tuple[Tensor], batch: CurrentBatch, run: Run
    ) -> Tensor:
        (value,) = values
        ctx.run, ctx.table, ctx.value = run, batch.table, value
        return value.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
        ctx.table.add(ctx.value, (ctx.run.segment,), gradients[0].unsqueeze(0))
        return None, None, None, None


def of_run(value: Tensor, batch: CurrentBatch, run: Run) -> Tensor:
    """The value, for use with the rows of one run alone."""
    return applied(_OfRun, batch.anchor, (value,), batch, run)
