"""What goes into a program and what comes out of it, as its signature says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor

from interference_service.errors import InputUnsupported
from interference_service.references.models.arguments import node_name, single
from interference_service.references.models.refusal import need, refuse
from interference_service.references.models.trees import leaf_names

MUTATIONS = frozenset({"buffer_mutation", "user_input_mutation"})
"""Outputs that are written back: evaluation mode changes no buffers, and a call no inputs."""
FEWEST_ROWS = 3
"""Rows that every model is tried with."""
HOW_TO_EXPORT = (
    'torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim("batch", '
    "min=1)},)) with an example of two rows or more"
)
_CONSTANTS = frozenset({"as_none", "as_int", "as_float", "as_bool", "as_string"})
_SYMBOL = re.compile(r"Symbol\('([A-Za-z_]\w{0,63})'[^()]{0,100}\)|([A-Za-z_]\w{0,63})")
_NAMES_SHOWN = 30

Axis: TypeAlias = int | str | None
"""A fixed size, a name that equal sizes share, or None for a size that is computed."""


@dataclass(frozen=True, slots=True)
class TensorInput:
    """An argument of forward.

    Attributes:
        name: Its node.
        axes: Its sizes; the first is the batch.
    """

    name: str
    axes: tuple[Axis, ...]


def tensor_input(value: Mapping[str, Any], graph: Mapping[str, Any]) -> TensorInput | None:
    """An argument of forward; None for a constant, which the graph holds already.

    Raises:
        InputUnsupported: It is a number that varies, or a tensor with a fixed batch.
    """
    kind, held = single(value["arg"], "argument of forward")
    if kind in _CONSTANTS:
        return None
    need(
        kind == "as_tensor",
        f"takes an argument of the kind {kind[:40]!r}, which is not read; export it with tensors "
        "and constants only",
    )
    name = node_name(held["name"])
    axes = tuple(_axis(*single(each, "size")) for each in graph["tensor_values"][name]["sizes"])
    need(axes, f"takes a single number for its argument {name!r}; give it an axis for the rows")
    need(
        not isinstance(axes[0], int),
        f"was exported with the batch size fixed to {axes[0]} for its argument {name!r}; pass "
        f"dynamic_shapes for it: {HOW_TO_EXPORT}",
    )
    return TensorInput(name, axes)


def _axis(kind: str, held: Any) -> Axis:
    if kind == "as_int":
        return int(held)
    # An expression is compared with a pattern, and never evaluated.
    found = _SYMBOL.fullmatch(held["expr_str"])
    return found[1] or found[2] if found else None


def most_rows(inputs: Sequence[TensorInput], ranges: Mapping[str, Any]) -> int | None:
    """Most rows of a batch, by the ranges of the file's sizes; None if there is no such number.

    Raises:
        InputUnsupported: Batches as small as are needed are outside of its range.
    """
    symbols = {each.axes[0] for each in inputs if isinstance(each.axes[0], str)}
    found = [ranges[each] for each in symbols if each in ranges]
    limits = [each["max_val"] for each in found if type(each["max_val"]) is int]
    most = min(limits, default=None)
    least = max((each["min_val"] or 0 for each in found), default=0)
    # Two rows are the least that torch.export writes down for an axis that may have one.
    fits = least <= 2 and (most is None or most >= FEWEST_ROWS)
    need(
        fits,
        f"was exported for batches of {least} to {most if most is not None else 'any number of'} "
        f"rows; 1 to {FEWEST_ROWS} must be among them: {HOW_TO_EXPORT}",
    )
    return most


def check_sizes(
    inputs: Sequence[TensorInput], given: Mapping[str, Tensor], most: int | None
) -> None:
    """Refuse arguments whose sizes the graph was not made for.

    Raises:
        InputUnsupported: One has another size than the graph, or two differ that must be equal.
    """
    named: dict[str, int] = {}
    for each in inputs:
        if each.name not in given:
            raise refuse(f"cannot be run without its argument {each.name!r}")
        shape = given[each.name].shape
        if len(shape) != len(each.axes):
            raise refuse(
                f"takes {len(each.axes)} axes for its argument {each.name!r}, but is given "
                f"{len(shape)}: {list(shape)}"
            )
        for axis, (size, wanted) in enumerate(zip(shape, each.axes, strict=True)):
            if isinstance(wanted, str):
                wanted = named.setdefault(wanted, size)
            if wanted is not None and size != wanted:
                raise refuse(_misfit(each.name, axis, wanted, size))
        if most is not None and shape[0] > most:
            raise refuse(f"was exported for at most {most} rows, but is given {shape[0]}")


def _misfit(name: str, axis: int, wanted: int, size: int) -> str:
    return (
        f"takes {wanted} entries on axis {axis} of its argument {name!r}, but is given {size}; make "
        "the data fit, or export the model with that axis in dynamic_shapes"
    )


def output_node(module: Mapping[str, Any], wanted: str) -> str:
    """The node of the output that is differentiated.

    Args:
        module: The graph and its signature.
        wanted: Its key or position; empty: ``logits`` where there is one, else the first.

    Raises:
        InputUnsupported: There is none, or it is no tensor.
    """
    outputs = []
    pairs = zip(module["signature"]["output_specs"], module["graph"]["outputs"], strict=True)
    for specification, given in pairs:
        kind, _ = single(specification, "output")
        need(
            kind in {"user_output", "loss_output"} | MUTATIONS,
            f"has an output of the kind {kind[:40]!r}, which is not read",
        )
        if kind not in MUTATIONS:
            outputs.append(single(given, "output"))
    need(outputs, "has no output")
    names = leaf_names(module, len(outputs))
    position = _position(names, wanted)
    kind, held = outputs[position]
    if kind != "as_tensor":
        what = f"is {names[position]!r}, which" if wanted else f"is empty, and {names[position]!r}"
        raise _no_such(f"{what} is not a tensor", names)
    return node_name(held["name"])


def _position(names: Sequence[str], wanted: str) -> int:
    if not wanted:
        return names.index("logits") if "logits" in names else 0
    if wanted in names:
        return names.index(wanted)
    if not (wanted.isdecimal() and int(wanted) < len(names)):
        raise _no_such(f"is {wanted!r}, which the model does not return", names)
    return int(wanted)


def _no_such(what: str, names: Sequence[str]) -> InputUnsupported:
    shown = ", ".join(each[:128] for each in names[:_NAMES_SHOWN])
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return InputUnsupported.at("model.output", f"{what}; it returns {shown}{more}")
