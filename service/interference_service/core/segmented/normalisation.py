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
        ctx.batch, ctx.at, ctx.epsilon = batch, at, epsilon
        ctx.weight, ctx.bias = weight, bias
        ctx.save_for_backward(x, mean, variance)
        return functional.batch_norm(x, mean, variance, weight, bias, eps=epsilon)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient, batch, (x, mean, variance) = gradients[0], ctx.batch, ctx.saved_tensors
        weight, bias = ctx.weight, ctx.bias
        wanted = [each is not None and each.requires_grad for each in (weight, bias)]
        if any(wanted):
            sums = _by_row(gradient, x, mean, variance, ctx.epsilon, wanted)
            for value, each in zip((weight, bias), sums, strict=True):
                if each is not None:
                    batch.table.add(value, batch.segments, batch.sums(each, ctx.at, [1]))
        of_x = None
        if ctx.needs_input_grad[0]:
            scale = torch.rsqrt(variance + ctx.epsilon)
            factor = scale if weight is None else scale * weight
            of_x = gradient * factor.view(-1, *(1,) * (x.dim() - 2)).to(gradient.dtype)
        return of_x, None, None, None, None, None, None, None


def _by_row(
    gradient: Tensor,
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
    wanted: Sequence[bool],
) -> Sequence[Tensor | None]:
    """Gradients of scale and shift that every row gives; None where not wanted. Have shape ``[B, F]``."""
    rows, channels = x.shape[:2]
    # To the library every row has channels of its own, so one pass over both keeps rows apart.
    apart = (1, rows * channels, -1)
    _, *found = torch.ops.aten.native_batch_norm_backward(
        gradient.reshape(apart),
        x.reshape(apart),
        None,
        mean.repeat(rows),
        variance.repeat(rows),
        None,
        None,
        False,
        epsilon,
        [False, *wanted],
    )
    return [
        each.view(rows, channels) if asked else None
        for each, asked in zip(found, wanted, strict=True)
    ]


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
