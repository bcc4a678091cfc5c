"""Where every value of a graph has the rows of the batch: found by running it with two numbers of rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

from interference_service.compute.segmentation.known import MORE, Unsegmentable
from interference_service.compute.segmentation.rewriting import leaves, rewritten
from interference_service.core.segmented.axes import BatchAxis
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.models.graph import Call

FEW = 2
"""With a single row axes of length one could not be told apart."""

Described: TypeAlias = tuple[int, ...] | int | float | bool | None
"""Shape of a tensor, a number itself, None for anything else."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A call as it was run: its arguments and its results, flat."""

    positional: tuple[tuple[Described, ...], ...]
    named: Mapping[str, tuple[Described, ...]]
    outputs: tuple[Described, ...]


@dataclass(frozen=True, slots=True)
class Traced:
    """A call in both runs.

    Attributes:
        few: With few rows.
        more: With more of them.
    """

    few: Seen
    more: Seen

    def grows(self) -> bool:
        """Whether a result has more entries, or is another number, where there are more rows."""
        return self.few.outputs != self.more.outputs


def trace(model: GraphModel, inputs: Mapping[str, Tensor]) -> tuple[Traced, ...]:
    """Run the model with two numbers of rows; one entry for every call, in the order of the graph.

    Args:
        model: The model.
        inputs: At least ``MORE`` rows.

    Raises:
        InputUnsupported: The inputs do not fit the graph.
    """
    few, more = (
        _run(model, {name: each[:rows] for name, each in inputs.items()}) for rows in (FEW, MORE)
    )
    return tuple(Traced(*both) for both in zip(few, more, strict=True))


def _run(model: GraphModel, inputs: Mapping[str, Tensor]) -> list[Seen]:
    seen: dict[int, Seen] = {}

    def recording(number: int, call: Call) -> Callable[..., Any]:
        def recorded(*positional: Any, **named: Any) -> Any:
            # Described before the call, which may write into what it is given.
            given = tuple(_described(each) for each in positional)
            by_name = {name: _described(each) for name, each in named.items()}
            result = call.operator(*positional, **named)
            seen[number] = Seen(given, by_name, _described(result))
            return result

        return recorded

    with torch.no_grad():
        replace(model, steps=rewritten(model.steps, recording))(inputs)
    return [seen[number] for number in range(len(seen))]


def _described(value: Any) -> tuple[Described, ...]:
    return tuple(
        tuple(each.shape)
        if isinstance(each, Tensor)
        else each
        if isinstance(each, int | float)
        else None
        for each in leaves(value)
    )


def axes_of(few: Sequence[Described], more: Sequence[Described]) -> tuple[BatchAxis | None, ...]:
    """Where each of some values has its rows, taking the entries of a row to be side by side.

    Raises:
        Unsegmentable: A tensor grows otherwise than by whole rows on one axis.
    """
    return tuple(
        _axis(one, other) if isinstance(one, tuple) and isinstance(other, tuple) else None
        for one, other in zip(few, more, strict=True)
    )


def _axis(few: tuple[int, ...], more: tuple[int, ...]) -> BatchAxis | None:
    if len(few) != len(more):
        raise Unsegmentable("a value has more axes for more rows")
    grown = [axis for axis, (one, other) in enumerate(zip(few, more, strict=True)) if one != other]
    if not grown:
        return None
    axis = grown[0]
    multiple, rest = divmod(few[axis], FEW)
    if len(grown) > 1 or rest or more[axis] != multiple * MORE:
        raise Unsegmentable(f"a value of shape {few} has no axis that grows with the rows alone")
    return BatchAxis(axis, inner=multiple)
