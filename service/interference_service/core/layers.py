"""Layers: named groups of parameters, and which of them is the class head (Mathematics §1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod

from interference_service.errors import InputUnsupported


@dataclass(frozen=True, slots=True)
class Layer:
    """A group of parameters.

    Attributes:
        name: Of the module that owns them.
        parameters: Their names.
        parameter_count: Their entries, P_l.
        head: Whether it is the class head, and so outside the shared scope.
    """

    name: str
    parameters: tuple[str, ...]
    parameter_count: int
    head: bool


@dataclass(frozen=True, slots=True)
class HeadSelection:
    """How the class head is found: ``auto``, ``none``, or by a ``pattern`` of layer names."""

    rule: str = "auto"
    pattern: str = ""


def layers_of(
    shapes: Mapping[str, tuple[int, ...]],
    *,
    num_outputs: int,
    depth: int = 0,
    globs: Sequence[str] = (),
    head: HeadSelection = HeadSelection(),
) -> tuple[Layer, ...]:
    """Group parameters into layers, in the model's order (Mathematics §1).

    Args:
        shapes: Shape of every parameter by its dotted name.
        num_outputs: Outputs of the head, C; one for a single logit.
        depth: Components of a module's name that make a layer; 0: all. The head stays a layer of
            its own, so that it never counts into the shared scope.
        globs: Patterns of the names of the layers wanted; empty: all.
        head: How the class head is found.

    Raises:
        InputUnsupported: A pattern matches no layer.
    """
    heads = _heads(shapes, num_outputs, head)
    groups = _groups(shapes, heads, depth)
    layers = tuple(
        Layer(name, tuple(members), sum(prod(shapes[each]) for each in members), name in heads)
        for name, members in groups.items()
    )
    wanted = tuple(
        layer for layer in layers if not globs or any(fnmatchcase(layer.name, g) for g in globs)
    )
    if not wanted:
        raise InputUnsupported.at(
            "options.layer_globs", f"match none of the layers {_names(groups)}"
        )
    return wanted


def _groups(shapes: Iterable[str], heads: set[str], depth: int) -> dict[str, list[str]]:
    """Parameters of every layer, by its name."""
    groups: dict[str, list[str]] = {}
    for name in shapes:
        module = _module(name)
        cut = ".".join(module.split(".")[:depth]) if depth else module
        # The head stays a layer of its own, also where it has the name of a coarser one.
        alone = module in heads or cut in heads
        groups.setdefault(module if alone else cut, []).append(name)
    return groups


def _heads(
    shapes: Mapping[str, tuple[int, ...]], num_outputs: int, head: HeadSelection
) -> set[str]:
    if head.rule == "none":
        return set()
    if head.rule == "pattern":
        modules = list(dict.fromkeys(_module(name) for name in shapes))
        found = {each for each in modules if fnmatchcase(each, head.pattern)}
        if not found:
            raise InputUnsupported.at(
                "options.head.pattern",
                f"is {head.pattern!r} and matches none of the layers {_names(modules)}",
            )
        return found
    linear = [
        _module(name)
        for name, shape in shapes.items()
        if len(shape) == 2 and shape[0] == num_outputs
    ]
    return set(linear[-1:])


def _module(parameter: str) -> str:
    """The module that owns a parameter; a parameter of the model itself stands for itself."""
    return parameter.rpartition(".")[0] or parameter


def _names(names: "Sequence[str] | Mapping[str, object]") -> str:
    shown = list(names)[:10]
    return ", ".join(shown) + (", …" if len(names) > len(shown) else "")
