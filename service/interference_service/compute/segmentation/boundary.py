"""The calls of a graph at which parameters meet the rows of a batch."""

from collections.abc import Iterator, Sequence
from enum import IntEnum

from interference_service.compute.segmentation.known import Boundary
from interference_service.compute.segmentation.rewriting import references
from interference_service.compute.segmentation.trace import Traced, axes_of
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.models.graph import Call, Region, Step


class _Kind(IntEnum):
    """What a value depends on."""

    CONSTANT = 0
    PARAMETERS = 1
    ROWS = 2


def boundaries(
    model: GraphModel, trainable: frozenset[str], traced: Sequence[Traced]
) -> dict[int, Boundary]:
    """Every such call by its number in the order of the graph.

    Args:
        model: The model.
        trainable: Names of the parameters whose gradients are wanted.
        traced: Its calls as they were run.

    Raises:
        Unsegmentable: A value at such a call has no single axis of rows.
    """
    kinds = dict.fromkeys(model.input_names, _Kind.ROWS)
    for each in model.bindings:
        wanted = each.parameter and each.name in trainable
        kinds[each.node] = _Kind.PARAMETERS if wanted else _Kind.CONSTANT
    found: dict[int, Boundary] = {}
    for number, (call, met) in enumerate(_walk(model.steps, kinds, iter(traced))):
        if met:
            found[number] = _boundary(call, traced[number])
    return found


def _walk(
    steps: Sequence[Step], kinds: dict[str, _Kind], traced: Iterator[Traced]
) -> Iterator[tuple[Call, bool]]:
    """Walk the graph; ``kinds`` grows on the way.

    Yields:
        Every call, and whether parameters meet rows there.
    """
    for step in steps:
        if isinstance(step, Region):
            inner = {there: kinds[here] for there, here in step.inputs}
            yield from _walk(step.steps, inner, traced)
            kinds |= {there: inner[here] for there, here in step.outputs}
            continue
        arguments = (*step.positional, *step.named.values())
        given = {kinds[name] for each in arguments for name in references(each)}
        # What is the same for any number of rows, like the length of a sequence, is no matter of rows.
        if not next(traced).grows():
            given.discard(_Kind.ROWS)
        kind = max(given, default=_Kind.CONSTANT)
        kinds |= {name: kind for name in step.outputs if name is not None}
        yield step, given >= {_Kind.PARAMETERS, _Kind.ROWS}


def _boundary(call: Call, seen: Traced) -> Boundary:
    few, more = seen.few, seen.more
    given = [*zip(few.positional, more.positional, strict=True)]
    given += [(few.named[name], more.named[name]) for name in few.named]
    vary = any(
        not isinstance(one, tuple) and one != other
        for both in given
        for one, other in zip(*both, strict=True)
    )
    return Boundary(
        call.name.split(".")[-2],
        tuple(axes_of(*both) for both in zip(few.positional, more.positional, strict=True)),
        {name: axes_of(few.named[name], more.named[name]) for name in few.named},
        axes_of(few.outputs, more.outputs),
        vary,
    )
