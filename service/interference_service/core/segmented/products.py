"""Linear maps and convolutions whose weight gradients are formed run by run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from interference_service.core.segmented.axes import BatchAxis
from interference_service.core.segmented.table import (
    CurrentBatch,
    GradientTable,
    Run,
    applied,
    rows_first,
)

Values: TypeAlias = "tuple[Tensor, Tensor | None]"
"""Weight and bias; in a tuple they are no nodes of the graph."""


def linear(
    batch: CurrentBatch, at: BatchAxis, x: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    """``x @ weight.T + bias``.

    Args:
        batch: The batch.
        at: Where x has its rows; not the last axis.
        x: Has shape ``[..., I]``.
        weight: Has shape ``[O, I]``.
        bias: Has shape ``[O]``.

    Returns:
        Has shape ``[..., O]``.
    """
    dtype = _product_type(x)
    with torch.autocast(x.device.type, enabled=False):
        return applied(_Linear, x.to(dtype), batch.anchor, (weight, bias), batch, at)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        _anchor: Tensor,
        values: Values,
        batch: CurrentBatch,
        at: BatchAxis,
    ) -> Tensor:
        weight, bias = values
        ctx.runs, ctx.table, ctx.at, ctx.batch = batch.runs, batch.table, at, batch
        ctx.weight, ctx.bias = weight, bias
        ctx.save_for_backward(x, weight.to(x.dtype))
        return functional.linear(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient = gradients[0]
        x, weight = ctx.saved_tensors
        if _wanted(ctx.weight):
            _add_products(ctx.table, ctx.runs, ctx.weight, ctx.at, gradient, x)
        if ctx.bias is not None and _wanted(ctx.bias):
            last = gradient.dim() - 1
            ctx.table.add_runs(ctx.bias, ctx.runs, ctx.batch.sums(gradient, ctx.at, [last]))
        of_x = gradient @ weight if ctx.needs_input_grad[0] else None
        return of_x, None, None, None, None


def _add_products(
    table: GradientTable,
    runs: Sequence[Run],
    weight: Tensor,
    at: BatchAxis,
    gradient: Tensor,
    x: Tensor,
) -> None:
    """Add the products of every run, ``gradient.T @ x`` over all but the last axes."""
    outputs, inputs = (rows_first(each, at) for each in (gradient, x))
    for run in runs:
        left = outputs[run.start : run.stop].reshape(-1, outputs.shape[-1])
        right = inputs[run.start : run.stop].reshape(-1, inputs.shape[-1])
        table.add_product(weight, run.segment, left.T, right)


@dataclass(frozen=True, slots=True)
class Convolved:
    """How a convolution is made.

    Attributes:
        stride: Of every axis.
        padding: Of every axis, on both sides.
        dilation: Of every axis.
        groups: Of channels.
    """

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def arguments(self) -> tuple[Any, ...]:
        """As ``torch.convolution`` takes them after its tensors."""
        zeros = (0,) * len(self.stride)
        return self.stride, self.padding, self.dilation, False, zeros, self.groups


def convolution(
    batch: CurrentBatch,
    at: BatchAxis,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    how: Convolved,
) -> Tensor:
    """A convolution over a batch on the first axis.

    Args:
        batch: The batch.
        at: The first axis.
        x: Has shape ``[B inner, I, ...]``.
        weight: Has shape ``[O, I / groups, ...]``.
        bias: Has shape ``[O]``.
        how: Stride, padding, dilation and groups.

    Returns:
        Has shape ``[B inner, O, ...]``.
    """
    dtype = _product_type(x)
    with torch.autocast(x.device.type, enabled=False):
        return applied(_Convolution, x.to(dtype), batch.anchor, (weight, bias), batch, at, how)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        _anchor: Tensor,
        values: Values,
        batch: CurrentBatch,
        at: BatchAxis,
        how: Convolved,
    ) -> Tensor:
        weight, bias = values
        ctx.batch, ctx.runs, ctx.table, ctx.how, ctx.at = batch, batch.runs, batch.table, how, at
        ctx.weight, ctx.bias = weight, bias
        ctx.save_for_backward(x, weight.to(x.dtype))
        given = None if bias is None else bias.to(x.dtype)
        return torch.convolution(x, weight.to(x.dtype), given, *how.arguments())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient, (x, weight) = gradients[0], ctx.saved_tensors
        if _wanted(ctx.weight):
            for run in ctx.runs:
                of_run, rows = run.narrowed(gradient, ctx.at), run.narrowed(x, ctx.at)
                _, product, _ = _convolution_backward(
                    of_run, rows, weight, ctx.how, (False, True, False)
                )
                ctx.table.add(ctx.weight, run.segment, product)
        if ctx.bias is not None and _wanted(ctx.bias):
            ctx.table.add_runs(ctx.bias, ctx.runs, ctx.batch.sums(gradient, ctx.at, [1]))
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x, _, _ = _convolution_backward(gradient, x, weight, ctx.how, (True, False, False))
        return of_x, None, None, None, None, None


def _convolution_backward(
    gradient: Tensor, x: Tensor, weight: Tensor, how: Convolved, mask: tuple[bool, bool, bool]
) -> Any:
    return torch.ops.aten.convolution_backward(gradient, x, weight, None, *how.arguments(), mask)


def _product_type(x: Tensor) -> torch.dtype:
    """The type that products are made in: the one that autocast says, if it is on."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def _wanted(value: Tensor) -> bool:
    return value.requires_grad
