"""Gradient sums of batches that hold one class and fold each: the homogeneous engine."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
from torch import Tensor

from interference_service.core.losses import RowLoss
from interference_service.errors import InputUnsupported, NonFinite

_LONGEST_REASON = 300


class Differentiable(Protocol):
    """A network in evaluation mode, so that no row depends on another."""

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """Its parameters by name."""

    def __call__(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits. Has shape ``[B, C]``, or ``[B]`` for one logit."""


def gradient_sum(
    model: Differentiable,
    parameter_names: Sequence[str],
    batches: Iterable[tuple[Mapping[str, Tensor], Tensor]],
    loss: RowLoss,
    *,
    autocast_dtype: torch.dtype | None = None,
) -> Tensor:
    """Sum of the gradients of every row (n_ck ĝ_ck of Mathematics §1).

    Args:
        model: The network.
        parameter_names: Parameters in the order of the flat gradient.
        batches: Inputs by name, and targets of shape ``[B]``.
        loss: Loss of every row.
        autocast_dtype: Type of the products, if narrower than the parameters.

    Returns:
        The flat sum, of the parameters' type, 0 where no loss reaches. Has shape ``[P]``.

    Raises:
        InputUnsupported: The model cannot be differentiated.
        MemoryError: The host has too little memory for a batch.
        NonFinite: A loss or the sum is NaN or infinite.
    """
    parameters = [model.parameters[name] for name in parameter_names]
    if not parameters:
        raise InputUnsupported.at("model.uri", "has no parameters with gradients")
    total = parameters[0].new_zeros(sum(each.numel() for each in parameters))
    parts = torch.split(total, [each.numel() for each in parameters])
    for inputs, targets in batches:
        with _autocast(total.device.type, autocast_dtype):
            losses = loss(model(inputs), targets)
        _check(losses)
        for part, gradient in zip(parts, _gradients(losses, parameters), strict=True):
            if gradient is not None:
                part += gradient.reshape(-1)
    if not torch.isfinite(total).all():
        raise NonFinite("a gradient is not finite", metadata={"what": "gradient"})
    return total


def _check(losses: Tensor) -> None:
    if not torch.isfinite(losses).all():
        raise NonFinite("the loss of a row is not finite", metadata={"what": "loss"})
    if not losses.requires_grad:
        raise InputUnsupported.at("model.uri", "gives an output that no parameter reaches")


def _gradients(losses: Tensor, parameters: Sequence[Tensor]) -> Sequence[Tensor | None]:
    try:
        return torch.autograd.grad(losses.sum(), parameters, allow_unused=True)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        why = str(error).splitlines()[0][:_LONGEST_REASON]
        if "can't allocate memory" in why:
            raise MemoryError(why) from error
        # For instance where a layer in place has overwritten what the backward pass needs.
        raise InputUnsupported.at("model.uri", f"cannot be differentiated: {why}") from error


def _autocast(device: str, dtype: torch.dtype | None) -> AbstractContextManager[object]:
    return nullcontext() if dtype is None else torch.autocast(device, dtype)
