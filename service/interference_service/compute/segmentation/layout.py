"""How rows lie on an axis that holds other things too: found by following one row's gradient."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from interference_service.compute.segmentation.known import MORE, Boundary, Unsegmentable
from interference_service.compute.segmentation.probe import signal
from interference_service.compute.segmentation.rewriting import leaves, rewritten
from interference_service.core.segmented.axes import BatchAxis
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.models.graph import Call

_FOLLOWED = 1
"""The row between two others."""


def laid_out(
    model: GraphModel, inputs: Mapping[str, Tensor], met: Mapping[int, Boundary]
) -> dict[int, Boundary]:
    """The boundaries with the layout of their axes.

    Args:
        model: With parameters that let every gradient be seen.
        inputs: ``MORE`` rows by argument of forward.
        met: Boundaries whose axes take the entries of a row to be side by side.

    Raises:
        Unsegmentable: The entries of a row lie in no regular way.
    """
    mixed = {number for number, each in met.items() if _is_mixed(each)}
    if not mixed:
        return dict(met)
    values = _values(model, inputs, mixed)
    return {
        number: _laid_out(each, values[number]) if number in mixed else each
        for number, each in met.items()
    }


def _is_mixed(boundary: Boundary) -> bool:
    given = (*boundary.positional, *boundary.named.values(), boundary.outputs)
    return any(at is not None and at.inner > 1 for axes in given for at in axes)


def _values(
    model: GraphModel, inputs: Mapping[str, Tensor], mixed: set[int]
) -> dict[int, list[Tensor | None]]:
    """What calls were given and gave, flat: where one row's gradient is in it; None: nowhere."""
    kept: dict[int, list[Any]] = {}

    def keeping(number: int, call: Call) -> Callable[..., Any]:
        def kept_call(*positional: Any, **named: Any) -> Any:
            result = call.operator(*positional, **named)
            kept[number] = [*leaves([positional, *named.values(), result])]
            return result

        return kept_call if number in mixed else call.operator

    given = {
        name: each.detach().clone().requires_grad_(each.is_floating_point())
        for name, each in inputs.items()
    }
    logits = replace(model, steps=rewritten(model.steps, keeping))(given)
    loss = signal(logits, torch.arange(MORE, device=logits.device))[_FOLLOWED]
    wanted = [each for some in kept.values() for each in some if _followed(each)]
    found = torch.autograd.grad(loss, wanted, allow_unused=True)
    by_value = {id(each): gradient for each, gradient in zip(wanted, found, strict=True)}
    return {number: [by_value.get(id(each)) for each in some] for number, some in kept.items()}


def _followed(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _laid_out(boundary: Boundary, gradients: list[Tensor | None]) -> Boundary:
    remaining = iter(gradients)

    def resolved(axes: tuple[BatchAxis | None, ...]) -> tuple[BatchAxis | None, ...]:
        return tuple(_resolved(at, next(remaining), boundary.base) for at in axes)

    return replace(
        boundary,
        positional=tuple(resolved(axes) for axes in boundary.positional),
        named={name: resolved(axes) for name, axes in boundary.named.items()},
        outputs=resolved(boundary.outputs),
    )


def _resolved(at: BatchAxis | None, gradient: Tensor | None, base: str) -> BatchAxis | None:
    if at is None or at.inner == 1 or gradient is None:
        return at
    others = [axis for axis in range(gradient.dim()) if axis != at.axis]
    there = (gradient != 0).sum(others) > 0 if others else gradient != 0
    for inner in _divisors(at.inner):
        candidate = BatchAxis(at.axis, at.inner // inner, inner)
        places = torch.arange(len(there), device=there.device) // inner % MORE == _FOLLOWED
        if not (there & ~places).any():
            return candidate
    raise Unsegmentable(f"{base} is given rows that lie in no regular way")


def _divisors(number: int) -> Iterator[int]:
    """Largest first."""
    return (each for each in range(number, 0, -1) if number % each == 0)
