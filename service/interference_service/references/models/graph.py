"""A graph as data: nodes become steps, each a call of an allowed operator."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from interference_service.references.models.arguments import (
    Argument,
    Constant,
    argument,
    node_name,
    single,
)
from interference_service.references.models.element_types import DTYPES
from interference_service.references.models.operators import (
    OF_TRAINING,
    OPERATORS,
    SKIPPED,
    WRITERS,
    allowed_kinds,
    forced,
)
from interference_service.references.models.refusal import need, refuse

MAX_NODES = 100_000
MAX_DEPTH = 2
"""Regions within regions."""
_REGIONS = "torch.ops.higher_order."
_GRADIENT_REGION = _REGIONS + "wrap_with_set_grad_enabled"
_AUTOCAST_REGION = _REGIONS + "wrap_with_autocast"


@dataclass(frozen=True, slots=True)
class Call:
    """One operator with its arguments; ``outputs`` are names, None for what nobody reads."""

    name: str
    operator: Callable[..., Any]
    positional: tuple[Argument, ...]
    named: Mapping[str, Argument]
    outputs: tuple[str | None, ...]
    spread: bool
    """Whether the operator returns several values."""


@dataclass(frozen=True, slots=True)
class Region:
    """Steps under another gradient mode or autocast, with values passed in and out by name."""

    context: Callable[[torch.device], AbstractContextManager[Any]]
    steps: tuple["Step", ...]
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]


Step: TypeAlias = Call | Region


def steps_of(graph: Mapping[str, Any], depth: int = 0) -> tuple[Step, ...]:
    """The steps of a graph of the file.

    Raises:
        InputUnsupported: It calls what is not allowed, or is malformed.
    """
    need(depth <= MAX_DEPTH, f"nests regions deeper than {MAX_DEPTH}")
    nodes = graph["nodes"]
    need(len(nodes) <= MAX_NODES, f"has {len(nodes)} nodes; at most {MAX_NODES} are run")
    return tuple(_step(node, depth) for node in nodes if node["target"] not in SKIPPED)


def any_writes(steps: Sequence[Step]) -> bool:
    """Whether a step writes into a tensor that it is given."""
    return any(
        each.name in WRITERS if isinstance(each, Call) else any_writes(each.steps) for each in steps
    )


def _step(node: Mapping[str, Any], depth: int) -> Step:
    target = str(node["target"])
    if target in {_GRADIENT_REGION, _AUTOCAST_REGION}:
        return _region(target, node, depth)
    if target not in OPERATORS:
        raise _not_run(target, node)
    operator = OPERATORS[target]
    outputs, spread = _outputs(node["outputs"])
    given = [(each["name"], each["arg"]) for each in node["inputs"]]
    schema = getattr(operator, "_schema", None)
    if schema is None:
        positional = tuple(argument(value, target, "") for _, value in given)
        return Call(target, operator, positional, {}, outputs, spread)
    positional, named = _bound(target.split(".")[3], schema, given)
    return Call(target, operator, positional, named, outputs, spread)


def _not_run(target: str, node: Mapping[str, Any]) -> Exception:
    """Why a call is refused, and how to do without it."""
    namespace, _, name = target.removeprefix("torch.ops.").partition(".")
    kinds = [single(each, "output") for each in node["outputs"]]
    names = [str(held.get("name", "")) for _, held in kinds if isinstance(held, dict)]
    where = f" at {names[0][:100]!r}" if names else ""
    if name.partition(".")[0] in OF_TRAINING:
        return refuse(
            f"calls {target[:100]!r}{where}, as a network in training mode does; export it in "
            "evaluation mode: torch.export.export(model.eval(), …)"
        )
    if namespace == "higher_order":
        return refuse(
            f"calls the higher-order operator {name[:100]!r}{where}; branches and loops of the "
            "graph are not run: write them as torch.where, or for a fixed number of steps"
        )
    if target.startswith("torch.ops.") and namespace != "aten":
        return refuse(
            f"calls the custom operator {target[:100]!r}{where}; only operators of torch are run: "
            "write the layer with them, or decompose it before the export"
        )
    return refuse(
        f"calls the operator {target[:100]!r}{where}, which is not on the list of those that are "
        "run; use another layer, or ask the operator of the service for it to be added"
    )


def _bound(
    base: str, schema: Any, given: Sequence[tuple[str, Any]]
) -> tuple[tuple[Argument, ...], dict[str, Argument]]:
    """Arguments by position and by name, checked against the operator's schema."""
    declared = {each.name: each for each in schema.arguments}
    found: dict[str, Argument] = {}
    for name, value in given:
        need(name in declared and name not in found, f"gives {base} an argument it does not take")
        _check_kind(base, name, str(declared[name].real_type), single(value, "argument")[0])
        found[name] = argument(value, base, name)
    statistics = found.get("running_mean", Constant(None)) != Constant(None)
    set_here = forced(base, has_statistics=statistics).items()
    found |= {name: Constant(value) for name, value in set_here if name in declared}
    positional: list[Argument] = []
    for name, each in declared.items():
        if each.kwarg_only:
            break
        need(name in found or each.has_default_value(), f"calls {base} without {name}")
        positional.append(found.pop(name) if name in found else Constant(each.default_value))
    return tuple(positional), found


def _check_kind(base: str, name: str, declared: str, kind: str) -> None:
    need(
        kind in allowed_kinds(declared),
        f"gives {base} a {name} of the kind {kind[:40]!r}, where {declared} is due",
    )


def _outputs(unions: Sequence[Any]) -> tuple[tuple[str | None, ...], bool]:
    names: list[str | None] = []
    for union in unions:
        kind, value = single(union, "output")
        match kind:
            case "as_tensor":
                names.append(node_name(value["name"]))
            case "as_sym_int" | "as_sym_bool" | "as_sym_float":
                names.append(node_name(value["as_name"]))
            case "as_none":
                names.append(None)
            case "as_tensors":
                need(len(unions) == 1, "mixes lists and values in the outputs of a node")
                return tuple(node_name(each["name"]) for each in value), True
            case _:
                raise refuse(f"has an output of the kind {kind[:40]!r}, which is not read")
    return tuple(names), len(names) > 1


def _region(target: str, node: Mapping[str, Any], depth: int) -> Region:
    arguments = [each["arg"] for each in node["inputs"]]
    at = next((i for i, each in enumerate(arguments) if "as_graph" in each), None)
    need(at is not None, "has a region without a graph")
    assert at is not None  # noqa: S101 - for the type checker
    flags = [single(each, "flag of a region")[1] for each in arguments[:at]]
    graph = arguments[at]["as_graph"]["graph"]
    outer, _ = _outputs(node["outputs"])
    inner = _tensor_names(graph["outputs"])
    inputs = zip(_tensor_names(graph["inputs"]), _tensor_names(arguments[at + 1 :]), strict=True)
    outputs = [(o, i) for o, i in zip(outer, inner, strict=True) if o is not None]
    return Region(
        _context(target, flags), steps_of(graph, depth + 1), tuple(inputs), tuple(outputs)
    )


def _context(
    target: str, flags: Sequence[Any]
) -> Callable[[torch.device], AbstractContextManager[Any]]:
    if target == _GRADIENT_REGION:
        need(len(flags) == 1 and type(flags[0]) is bool, "has a malformed gradient region")
        return lambda _: torch.set_grad_enabled(flags[0])
    need(len(flags) == 4 and type(flags[2]) is bool, "has a malformed autocast region")
    dtype = DTYPES.get(flags[1]) if type(flags[1]) is int else None
    return lambda device: torch.autocast(device.type, dtype, enabled=flags[2])


def _tensor_names(unions: Sequence[Any]) -> list[str]:
    return [node_name(single(each, "tensor")[1]["name"]) for each in unions]
