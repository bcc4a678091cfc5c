"""Operators that have an implementation by segments: one function each, and one line of the table.

A function returns ``NotImplemented`` for a call that it does not cover; the call is then made run by
run, as it is for operators that are not in the table.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from interference_service.compute.segmentation.meeting import Meeting
from interference_service.core.segmented.axes import BatchAxis
from interference_service.core.segmented.broadcast import spread
from interference_service.core.segmented.lookup import embedding
from interference_service.core.segmented.normalisation import batch_norm, layer_norm
from interference_service.core.segmented.products import Convolved, convolution, linear


def _linear(call: Meeting, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    at = call.axis(0)
    if at is None or at.axis == x.dim() - 1 or call.axis(1) or call.axis(2):
        return NotImplemented
    return linear(call.batch, at, x, weight, bias)


def _matmul(call: Meeting, x: Tensor, matrix: Tensor) -> Any:
    return _linear(call, x, matrix.T) if matrix.dim() == 2 else NotImplemented


def _addmm(call: Meeting, bias: Tensor, x: Tensor, matrix: Tensor, **scales: Any) -> Any:
    at = call.axis(1)
    plain = all(each == 1 for each in scales.values())
    if at is None or at.axis or call.axis(0) or call.axis(2) or bias.dim() != 1 or not plain:
        return NotImplemented
    return linear(call.batch, at, x, matrix.T, bias)


def _convolution(
    call: Meeting,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] | str = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Any:
    at = call.axis(0)
    if at is None or not at.first or call.axis(1) or call.axis(2):
        return NotImplemented
    axes = weight.dim() - 2
    dilations = _each(dilation, axes)
    if isinstance(padding, str):
        spans = [d * (size - 1) for d, size in zip(dilations, weight.shape[2:], strict=True)]
        if padding == "same" and any(span % 2 for span in spans):
            return NotImplemented
        padding = [span // 2 if padding == "same" else 0 for span in spans]
    how = Convolved(_each(stride, axes), _each(padding, axes), dilations, groups)
    return convolution(call.batch, at, x, weight, bias, how)


def _general_convolution(call: Meeting, *arguments: Any) -> Any:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = arguments
    if transposed:
        return NotImplemented
    return _convolution(call, x, weight, bias, stride, padding, dilation, groups)


def _each(values: Sequence[int], axes: int) -> tuple[int, ...]:
    return tuple(values) if len(values) == axes else tuple(values) * axes


def _batch_norm(
    call: Meeting,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    _training: bool,
    _momentum: float,
    epsilon: float,
    *_: Any,
) -> Any:
    at, others = call.axis(0), any(call.axis(index) for index in range(1, 5))
    if at is None or not at.first or others or mean is None or variance is None:
        return NotImplemented
    return batch_norm(call.batch, at, x, weight, bias, mean, variance, epsilon)


def _batch_norm_only(call: Meeting, *arguments: Any) -> Any:
    *tensors, momentum, epsilon = arguments
    y = _batch_norm(call, *tensors, False, momentum, epsilon)
    return _first_of_three(y)


def _layer_norm(
    call: Meeting,
    x: Tensor,
    shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    epsilon: float = 1e-5,
    *_: Any,
) -> Any:
    at = call.axis(0)
    if at is None or at.axis >= x.dim() - len(shape) or call.axis(2) or call.axis(3):
        return NotImplemented
    return layer_norm(call.batch, at, x, shape, weight, bias, epsilon)


def _layer_norm_only(call: Meeting, *arguments: Any) -> Any:
    return _first_of_three(_layer_norm(call, *arguments))


def _first_of_three(y: Any) -> Any:
    # The statistics beside it are for the operator's own backward pass; nothing else reads them.
    return y if y is NotImplemented else (y, None, None)


def _rms_norm(
    call: Meeting, x: Tensor, shape: Sequence[int], weight: Tensor, epsilon: float | None = None
) -> Any:
    at = call.axis(0)
    if at is None or call.axis(2) or at.axis >= x.dim() - len(shape):
        return NotImplemented
    normalised = functional.rms_norm(x, list(shape), None, epsilon)
    return normalised * spread(weight, call.batch, at, x.dim())


def _group_norm(
    call: Meeting,
    x: Tensor,
    groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    epsilon: float = 1e-5,
    *_: Any,
) -> Any:
    at = call.axis(0)
    if at is None or not at.first or call.axis(2) or call.axis(3):
        return NotImplemented
    y = functional.group_norm(x, groups, None, None, epsilon)
    return _scaled(call, at, y, weight, bias)


def _group_norm_only(call: Meeting, x: Tensor, weight: Any, bias: Any, *sizes: Any) -> Any:
    at = call.axis(0)
    if at is None or not at.first or call.axis(1) or call.axis(2):
        return NotImplemented
    y, _, _ = torch.native_group_norm(x.contiguous(), None, None, *sizes)
    return _first_of_three(_scaled(call, at, y, weight, bias))


def _scaled(
    call: Meeting, at: BatchAxis, y: Tensor, weight: Tensor | None, bias: Tensor | None
) -> Tensor:
    channels = (-1,) + (1,) * (y.dim() - 2)
    if weight is not None:
        y = y * spread(weight.view(channels), call.batch, at, y.dim())
    if bias is not None:
        y = y + spread(bias.view(channels), call.batch, at, y.dim())
    return y


def _embedding(
    call: Meeting,
    weight: Tensor,
    indices: Tensor,
    padding: int = -1,
    by_frequency: bool = False,
    *_: Any,
) -> Any:
    at = call.axis(1)
    if at is None or call.axis(0) or by_frequency:
        return NotImplemented
    return embedding(call.batch, at, weight, indices, padding)


def _broadcasting(call: Meeting, *values: Any, **named: Any) -> Any:
    """Any operator that works entry by entry and broadcasts its arguments."""
    at = call.output
    dimensions = max(each.dim() for each in values if isinstance(each, Tensor))
    given = list(values)
    for index, value in enumerate(values):
        if call.trained(index, value):
            if not _fits(value, at, dimensions):
                return NotImplemented
            given[index] = spread(value, call.batch, at, dimensions)
    return call.operator(*given, **named)


def _expand(call: Meeting, value: Tensor, sizes: Sequence[int], **_: Any) -> Any:
    if not _fits(value, call.output, len(sizes)):
        return NotImplemented
    return spread(value, call.batch, call.output, len(sizes)).expand(list(sizes))


def _expand_as(call: Meeting, value: Tensor, other: Tensor) -> Any:
    return _expand(call, value, other.shape)


def _repeat(call: Meeting, value: Tensor, repeats: Sequence[int]) -> Any:
    at = call.output
    if len(repeats) < value.dim() or not _fits(value, at, len(repeats)):
        return NotImplemented
    others = [1 if axis == at.axis else count for axis, count in enumerate(repeats)]
    return spread(value, call.batch, at, len(repeats)).repeat(others)


def _attention(
    call: Meeting,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Any = None,
    *rest: Any,
    **named: Any,
) -> Any:
    at = call.axis(0)
    there = call.axis(1) and call.axis(2)
    if at is None or not there or not call.trained(3, mask) or not _fits(mask, at, query.dim()):
        return NotImplemented
    spread_mask = spread(mask, call.batch, at, query.dim())
    return call.operator(query, key, value, spread_mask, *rest, **named)


def _fits(value: Tensor, at: BatchAxis, dimensions: int) -> bool:
    """Whether the value is the same for all rows where broadcasting would line it up."""
    missing = dimensions - value.dim()
    return at.axis < missing or value.shape[at.axis - missing] == 1


_BROADCASTING = [
    "add",
    "add_",
    "sub",
    "sub_",
    "rsub",
    "mul",
    "mul_",
    "div",
    "div_",
    "pow",
    "maximum",
    "minimum",
    "where",
    "lerp",
    "addcmul",
]

SEGMENTED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "linear": _linear,
        "matmul": _matmul,
        "mm": _matmul,
        "addmm": _addmm,
        "conv1d": _convolution,
        "conv2d": _convolution,
        "conv3d": _convolution,
        "convolution": _general_convolution,
        "batch_norm": _batch_norm,
        "_native_batch_norm_legit_no_training": _batch_norm_only,
        "layer_norm": _layer_norm,
        "native_layer_norm": _layer_norm_only,
        "rms_norm": _rms_norm,
        "group_norm": _group_norm,
        "native_group_norm": _group_norm_only,
        "embedding": _embedding,
        "expand": _expand,
        "expand_as": _expand_as,
        "repeat": _repeat,
        "scaled_dot_product_attention": _attention,
        **dict.fromkeys(_BROADCASTING, _broadcasting),
    }
)
"""By the operator's name without its overload."""
