"""A call at which parameters meet rows, made in such a way that every segment has its gradients."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from interference_service.compute.segmentation.known import Boundary, Unsegmentable
from interference_service.compute.segmentation.rewriting import leaves
from interference_service.core.segmented.axes import BatchAxis
from interference_service.core.segmented.broadcast import of_run
from interference_service.core.segmented.table import CurrentBatch, Run, joined

Implementations = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Meeting:
    """A call at which parameters meet rows.

    Attributes:
        operator: Of the graph.
        boundary: Where its values have their rows.
        batch: The batch that the network works on.
    """

    operator: Callable[..., Any]
    boundary: Boundary
    batch: CurrentBatch

    def axis(self, index: int) -> BatchAxis | None:
        """Where the argument with this number has its rows; None if it has none or is not given."""
        return self.boundary.argument(index)

    @property
    def output(self) -> BatchAxis:
        """Where the first result has its rows."""
        return self.boundary.output

    def trained(self, index: int, value: Any) -> bool:
        """Whether an argument depends on parameters alone whose gradients are wanted."""
        return isinstance(value, Tensor) and value.requires_grad and self.axis(index) is None


def segmented(
    meeting: Meeting, implementations: Implementations, one_by_one: Callable[[str], None]
) -> Callable[..., Any]:
    """The operator to call instead.

    Args:
        meeting: What is known of the call.
        implementations: By the operator's name.
        one_by_one: Is told the name of an operator that is called run by run.
    """
    base = meeting.boundary.base
    implementation = implementations.get(base)

    def call(*positional: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return meeting.operator(*positional, **named)
        if implementation is not None:
            found = implementation(meeting, *positional, **named)
            if found is not NotImplemented:
                return found
        one_by_one(base)
        return _run_by_run(meeting, positional, named)

    return call


def _run_by_run(meeting: Meeting, positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Call the operator with the rows of one run after another, and join the results.

    Raises:
        Unsegmentable: It is given a number of rows, or writes into what it is given.
    """
    boundary = meeting.boundary
    if boundary.numbers_vary or boundary.base.endswith("_"):
        raise Unsegmentable(f"{boundary.base} cannot be called with some of the rows alone")
    results = []
    for run in meeting.batch.runs:
        axes = chain.from_iterable((*boundary.positional, *boundary.named.values()))
        given = [_part(each, axes, meeting.batch, run) for each in positional]
        by_name = {name: _part(each, axes, meeting.batch, run) for name, each in named.items()}
        results.append(meeting.operator(*given, **by_name))
    if isinstance(results[0], Tensor):
        return joined(results, boundary.output)
    return [
        joined(parts, at) if at else parts[0]
        for parts, at in zip(zip(*map(leaves, results), strict=True), boundary.outputs, strict=True)
    ]


def _part(value: Any, axes: Iterator[BatchAxis | None], batch: CurrentBatch, run: Run) -> Any:
    """What a run has of a value: its rows, or the parameter with its gradient for the run."""
    if isinstance(value, list | tuple):
        return [_part(each, axes, batch, run) for each in value]
    at = next(axes)
    if at is not None:
        return run.narrowed(value, at)
    trained = isinstance(value, Tensor) and value.requires_grad
    return of_run(value, batch, run) if trained else value
