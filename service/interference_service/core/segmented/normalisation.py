"""Normalisations whose scale and shift have a gradient for every run."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from interference_service.core.segmented.axes import BatchAxis
from interference_service.core.segmented.table import CurrentBatch, applied

Values: TypeAlias = "tuple[Tensor | None, Tensor | None]"
"""Scale and shift; in a tuple they are no nodes of the graph."""


def batch_norm(
    batch: CurrentBatch,
    at: BatchAxis,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
) -> Tensor:
    """Normalisation by running statistics, as in evaluation mode.

    Args:
        batch: The batch.
        at: The first axis.
        x: Has shape ``[B inner, F, ...]``.
        weight: Scale. Has shape ``[F]``.
        bias: Shift. Has shape ``[F]``.
        mean: Running mean. Has shape ``[F]``.
        variance: Running variance. Has shape ``[F]``.
        epsilon: Added to the variance.
    """
    return applied(_BatchNorm, x, batch.anchor, (weight, bias), mean, variance, epsilon, batch, at)


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        _anchor: Tensor,
        values: Values,
        mean: Tensor,
        variance: Tensor,
        epsilon: float,
        batch: CurrentBatch,
        at: BatchAxis,
    ) -> Tensor:
        weight, bias = values
        ctx.batch, ctx.at = batch, at
        ctx.weight, ctx.bias = weight, bias
        ctx.save_for_backward(x, mean, torch.rsqrt(variance + epsilon))
        return functional.batch_norm(x, mean, variance, weight, bias, eps=epsilon)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient, batch, (x, mean, scale) = gradients[0], ctx.batch, ctx.saved_tensors
        channels = (1, -1) + (1,) * (x.dim() - 2)
        if ctx.weight is not None and ctx.weight.requires_grad:
            products = ctx.batch.sums(gradient * (x - mean.view(channels)), ctx.at, [1])
            batch.table.add(ctx.weight, batch.segments, products * scale)
        if ctx.bias is not None and ctx.bias.requires_grad:
            batch.table.add(ctx.bias, batch.segments, batch.sums(gradient, ctx.at, [1]))
        of_x = None
        if ctx.needs_input_grad[0]:
            factor = scale if ctx.weight is None else scale * ctx.weight
            of_x = gradient * factor.view(channels).to(gradient.dtype)
        return of_x, None, None, None, None, None, None, None


def layer_norm(
    batch: CurrentBatch,
    at: BatchAxis,
    x: Tensor,
    shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    epsilon: float,
) -> Tensor:
    """Normalisation over the last axes.

    Args:
        batch: The batch.
        at: Where x has its rows; not one of the last axes.
        x: The last axes have the shape given.
        shape: Of what is normalised together.
        weight: Scale. Has that shape.
        bias: Shift. Has that shape.
        epsilon: Added to the variance.
    """
    # Half precision has too few digits for a variance.
    x = x if x.dtype == torch.float64 else x.float()
    return applied(_LayerNorm, x, batch.anchor, (weight, bias), list(shape), epsilon, batch, at)


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        _anchor: Tensor,
        values: Values,
        shape: list[int],
        epsilon: float,
        batch: CurrentBatch,
        at: BatchAxis,
    ) -> Tensor:
        weight, bias = values
        y, mean, scale = torch.native_layer_norm(x, shape, weight, bias, epsilon)
        ctx.batch, ctx.at = batch, at
        ctx.weight, ctx.bias, ctx.shape = weight, bias, shape
        ctx.save_for_backward(x, mean, scale)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient, batch, (x, mean, scale) = gradients[0], ctx.batch, ctx.saved_tensors
        last = list(range(x.dim() - len(ctx.shape), x.dim()))
        if ctx.weight is not None and ctx.weight.requires_grad:
            products = (x - mean).mul_(scale).mul_(gradient)
            batch.table.add(ctx.weight, batch.segments, batch.sums(products, ctx.at, last))
        if ctx.bias is not None and ctx.bias.requires_grad:
            batch.table.add(ctx.bias, batch.segments, batch.sums(gradient, ctx.at, last))
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x, _, _ = torch.ops.aten.native_layer_norm_backward(
                gradient,
                x,
                ctx.shape,
                mean,
                scale,
                ctx.weight,
                ctx.bias,
                (True, False, False),
            )
        return of_x, None, None, None, None, None, None
