"""Rows of a table of embeddings, whose gradients are added run by run."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from interference_service.core.segmented.axes import BatchAxis
from interference_service.core.segmented.table import CurrentBatch, applied


def embedding(
    batch: CurrentBatch, at: BatchAxis, weight: Tensor, indices: Tensor, padding: int
) -> Tensor:
    """The embeddings of indices.

    Args:
        batch: The batch.
        at: Where the indices have its rows.
        weight: Has shape ``[V, E]``.
        indices: Of any shape.
        padding: Index whose embedding has no gradient; below 0: none.

    Returns:
        Has the shape of the indices, and E.
    """
    return applied(_Embedding, batch.anchor, (weight,), indices, batch, at, padding)


class _Embedding(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        _anchor: Tensor,
        values: tuple[Tensor],
        indices: Tensor,
        batch: CurrentBatch,
        at: BatchAxis,
        padding: int,
    ) -> Tensor:
        ctx.batch, ctx.at, ctx.padding = batch, at, padding
        (weight,) = values
        ctx.weight = weight
        ctx.save_for_backward(indices)
        return functional.embedding(indices, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
        gradient, (indices,) = gradients[0], ctx.saved_tensors
        if ctx.padding >= 0:
            gradient = gradient.masked_fill((indices == ctx.padding).unsqueeze(-1), 0)
        for run in ctx.batch.runs:
            at = run.narrowed(indices, ctx.at).reshape(-1)
            of_run = run.narrowed(gradient, ctx.at).reshape(len(at), -1)
            ctx.batch.table.add_at(ctx.weight, run.segment, at, of_run)
        return None, None, None, None, None, None
