"""Whether a service runs what an archive calls, by the list that the service of this version has."""

import warnings
from importlib.resources import files

import torch
from torch import fx

_REGIONS = frozenset({"wrap_with_set_grad_enabled", "wrap_with_autocast"})
_ASSERTIONS = frozenset({"_assert_tensor_metadata", "_assert_scalar"})


def warn_of_unknown(program: torch.export.ExportedProgram) -> None:
    """Warn of operators that the service would refuse."""
    unknown = sorted(_called(program) - _run())
    if unknown:
        warnings.warn(
            f"a service of this version does not run {', '.join(unknown)}; write the layer with "
            "other operators, or ask whoever runs the service to add them",
            stacklevel=3,
        )


def _run() -> set[str]:
    names = files("interference_client.export").joinpath("operators.txt").read_text("utf-8").split()
    return {f"aten::{name}" for name in (*names, *_ASSERTIONS)} | _REGIONS


def _called(program: torch.export.ExportedProgram) -> set[str]:
    """Operators of torch and of others in all parts of a program, without their overloads."""
    targets = [
        node.target
        for graph in program.graph_module.modules()
        if isinstance(graph, fx.GraphModule)
        for node in graph.graph.nodes
        if node.op == "call_function"
    ]
    operators = {each._schema.name for each in targets if isinstance(each, torch._ops.OpOverload)}
    regions = {each.name() for each in targets if isinstance(each, torch._ops.HigherOrderOperator)}
    return operators | regions
