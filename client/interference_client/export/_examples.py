"""Example inputs, and how a batch of them becomes arguments of ``forward``."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from interference_client.errors import ExportFailed

Examples: TypeAlias = Tensor | Sequence[Tensor] | Mapping[str, Tensor]
"""Inputs of ``forward``: the only one, those by position, or those by name."""
DynamicAxes: TypeAlias = Mapping[str, Sequence[int]]
"""Axes of any size by name of the input, besides the first."""

_BY_POSITION = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
_BY_NAME = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}


@dataclass(frozen=True, slots=True)
class Batch:
    """Two rows or more of every input, on the CPU.

    Attributes:
        inputs: By name of forward's argument, each of shape ``[B, …]``.
        positional: How many of them, from the first, are given by position.
        dynamic: Axes of any size by name of the input.
    """

    inputs: Mapping[str, Tensor]
    positional: int
    dynamic: DynamicAxes

    @property
    def rows(self) -> int:
        """B."""
        return next(iter(self.inputs.values())).shape[0]

    @property
    def arguments(self) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """What is given by position and by name."""
        given = list(self.inputs.items())
        return tuple(each for _, each in given[: self.positional]), dict(given[self.positional :])

    def sizes(self) -> dict[str, dict[int, Any]]:
        """Which axes the archive must leave open, as ``torch.export`` wants them."""
        batch = torch.export.Dim("batch", min=1)
        return {
            # Torch finds the bounds of the others, for instance the number of positions.
            name: {0: batch} | dict.fromkeys(self.dynamic.get(name, ()), torch.export.Dim.DYNAMIC)
            for name in self.inputs
        }

    def longer(self) -> "Batch":
        """The same with one row more."""
        return replace(
            self, inputs={name: torch.cat([each[:1], each]) for name, each in self.inputs.items()}
        )


def batch_of(model: nn.Module, examples: Examples, dynamic: DynamicAxes) -> Batch:
    """Examples as a batch.

    Raises:
        ExportFailed: They are no batch of tensors that the model's ``forward`` takes.
    """
    declared = inspect.signature(model.forward).parameters.values()
    if isinstance(examples, Mapping):
        given, positional = dict(examples), 0
        names = {each.name for each in declared if each.kind in _BY_NAME}
        unknown = ", ".join(sorted(set(given) - names))
        if unknown:
            raise ExportFailed(f"forward has no argument called {unknown}; leave it out")
    else:
        values = (examples,) if isinstance(examples, Tensor) else tuple(examples)
        order = [each.name for each in declared if each.kind in _BY_POSITION]
        if len(values) > len(order):
            raise ExportFailed(
                f"{len(values)} examples are given, but forward names {len(order)} arguments; give "
                "each input a name in forward's signature"
            )
        given, positional = dict(zip(order, values, strict=False)), len(values)
    inputs = {name: _on_cpu(name, each) for name, each in given.items()}
    _one_batch(inputs)
    _known_axes(inputs, dynamic)
    if next(iter(inputs.values())).shape[0] == 1:
        # A size of 1 would be taken for a constant.
        inputs = {name: torch.cat([each, each]) for name, each in inputs.items()}
    return Batch(inputs, positional, dynamic)


def _on_cpu(name: str, value: object) -> Tensor:
    if not isinstance(value, Tensor):
        raise ExportFailed(
            f"the example of {name!r} is of type {type(value).__name__}; inputs must be tensors: "
            "leave it out if forward has a default, or fix its value in the model"
        )
    return value.detach().cpu()


def _one_batch(inputs: Mapping[str, Tensor]) -> None:
    if not inputs:
        raise ExportFailed("there is no example input; give one batch of every tensor")
    counts = {name: each.shape[0] if each.dim() else 0 for name, each in inputs.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise ExportFailed(
            f"the examples have {counts} rows; the first axis of every input must be the batch, "
            "of the same length"
        )


def _known_axes(inputs: Mapping[str, Tensor], dynamic: DynamicAxes) -> None:
    for name, axes in dynamic.items():
        if name not in inputs:
            raise ExportFailed(f"dynamic_axes names {name!r}; the inputs are {', '.join(inputs)}")
        for axis in axes:
            if not 0 < axis < inputs[name].dim():
                raise ExportFailed(
                    f"dynamic_axes names axis {axis} of {name!r}; its axes besides the batch are "
                    f"1 to {inputs[name].dim() - 1}"
                )
            if inputs[name].shape[axis] < 2:
                raise ExportFailed(
                    f"the example of {name!r} has the size 1 along its dynamic axis {axis}, which "
                    "would become a constant; give one of 2 or more"
                )
