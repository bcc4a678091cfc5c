"""Graphs whose calls are replaced one by one; nothing but the operators changes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from interference_service.references.models.arguments import Argument, Items, Reference
from interference_service.references.models.graph import Call, Region, Step

Replacement: TypeAlias = Callable[[int, Call], Callable[..., Any]]
"""From the number of a call, in the order of the graph, and the call to its new operator."""


def rewritten(steps: Sequence[Step], replacement: Replacement) -> tuple[Step, ...]:
    """The same steps with other operators."""
    return tuple(_rewritten(steps, replacement, iter(range(_count(steps)))))


def _rewritten(
    steps: Sequence[Step], replacement: Replacement, numbers: Iterator[int]
) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Region):
            yield replace(step, steps=tuple(_rewritten(step.steps, replacement, numbers)))
        else:
            yield replace(step, operator=replacement(next(numbers), step))


def _count(steps: Sequence[Step]) -> int:
    return sum(_count(each.steps) if isinstance(each, Region) else 1 for each in steps)


def references(argument: Argument) -> Iterator[str]:
    """Look into an argument.

    Yields:
        Names of the values that it is made of.
    """
    if isinstance(argument, Reference):
        yield argument.name
    elif isinstance(argument, Items):
        for item in argument.items:
            yield from references(item)


def leaves(value: Any) -> Iterator[Any]:
    """Look into nested lists.

    Yields:
        What is in them, in order.
    """
    if isinstance(value, list | tuple):
        for each in value:
            yield from leaves(each)
    else:
        yield value
