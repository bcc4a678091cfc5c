"""Linear maps and convolutions whose weight gradients are formed run by run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from interference_service.core.segmented.axes import BatchAxis
from interference_service.core.segmented.table import (
    CurrentBatch,
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
        ctx.batch, ctx.at, ctx.weight, ctx.bias = batch, at, weight, bias
        ctx.save_for_backward(x, weight.to(x.dtype))
        return functional.linear(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient, batch = gradients[0], ctx.batch
        x, weight = ctx.saved_tensors
        if _wanted(ctx.weight):
            factors = _factors(batch.runs, ctx.at, gradient, x)
            batch.table.add_products(ctx.weight, batch.segments, factors)
        if ctx.bias is not None and _wanted(ctx.bias):
            sums = batch.sums(gradient, ctx.at, [gradient.dim() - 1])
            batch.table.add(ctx.bias, batch.segments, sums)
        of_x = gradient @ weight if ctx.needs_input_grad[0] else None
        return of_x, None, None, None, None


def _factors(
    runs: Sequence[Run], at: BatchAxis, gradient: Tensor, x: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """Of every run's product, ``gradient.T @ x`` over all but the last axes."""
    flat = [rows_first(each, at).reshape(-1, each.shape[-1]) for each in (gradient, x)]
    of_row = len(flat[0]) // runs[-1].stop
    lengths = [(run.stop - run.start) * of_row for run in runs]
    lefts, rights = (each.split(lengths) for each in flat)
    return ((left.T, right) for left, right in zip(lefts, rights, strict=True))


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
        ctx.batch, ctx.at, ctx.how, ctx.weight, ctx.bias = batch, at, how, weight, bias
        ctx.save_for_backward(x, weight.to(x.dtype))
        given = None if bias is None else bias.to(x.dtype)
        return torch.convolution(x, weight.to(x.dtype), given, *how.arguments())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient, batch, (x, weight) = gradients[0], ctx.batch, ctx.saved_tensors
        if _wanted(ctx.weight):
            _add_convolved(batch, ctx.at, gradient, x, ctx.weight, ctx.how)
        if ctx.bias is not None and _wanted(ctx.bias):
            sums = batch.sums(gradient, ctx.at, [1])
            batch.table.add(ctx.bias, batch.segments, sums)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x, _, _ = _convolution_backward(gradient, x, weight, ctx.how, (True, False, False))
        return of_x, None, None, None, None, None


def _add_convolved(
    batch: CurrentBatch, at: BatchAxis, gradient: Tensor, x: Tensor, weight: Tensor, how: Convolved
) -> None:
    """Add the weight's gradient of every run."""
    positions = gradient.numel() // gradient.shape[1]
    # With few positions in a run, the library's passes over the weight cost more than the windows.
    if positions < len(batch.runs) * len(weight) and how.groups == 1 and weight.is_contiguous():
        factors = _window_factors(batch.runs, at, gradient, _windows(x, weight.shape[2:], how))
        batch.table.add_products(weight, batch.segments, factors)
        return
    same_type = weight.to(x.dtype)
    for run in batch.runs:
        of_run, rows = run.narrowed(gradient, at), run.narrowed(x, at)
        _, product, _ = _convolution_backward(of_run, rows, same_type, how, (False, True, False))
        batch.table.add(weight, (run.segment,), product.unsqueeze(0))


def _window_factors(
    runs: Sequence[Run], at: BatchAxis, gradient: Tensor, windows: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """The gradient and the windows of every run.

    Yields:
        Left and right of a product over positions and rows.
    """
    lengths = [(run.stop - run.start) * at.inner for run in runs]
    lefts = gradient.movedim(0, -1).split(lengths, dim=-1)
    rights = windows.split(lengths, dim=-1)
    entries = windows.shape[: 1 + (windows.dim() - 2) // 2].numel()
    for left, right in zip(lefts, rights, strict=True):
        yield left.reshape(len(left), -1), right.reshape(entries, -1).T


def _windows(x: Tensor, kernel: Sequence[int], how: Convolved) -> Tensor:
    """A view of what every entry of a kernel meets, with the rows side by side.

    Returns:
        Has shape ``[I, *kernel, *positions, B]``.
    """
    around = [0, 0, *(each for padding in reversed(how.padding) for each in (padding, padding))]
    padded = functional.pad(x.movedim(0, -1), around).contiguous()
    of_channel, *of_axes, of_row = padded.stride()
    inside = [step * dilation for step, dilation in zip(of_axes, how.dilation, strict=True)]
    across = [step * stride for step, stride in zip(of_axes, how.stride, strict=True)]
    positions = [
        (size - dilation * (entries - 1) - 1) // stride + 1
        for size, entries, dilation, stride in zip(
            padded.shape[1:-1], kernel, how.dilation, how.stride, strict=True
        )
    ]
    shape = (len(padded), *kernel, *positions, len(x))
    return padded.as_strided(shape, (of_channel, *inside, *across, of_row))


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
