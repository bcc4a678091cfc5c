"""Runs a graph step by step, each operator on the values of the nodes before it."""

from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import torch

from interference_service.references.models.arguments import (
    Argument,
    Constant,
    ElementType,
    Items,
    ModelDevice,
    Reference,
)
from interference_service.references.models.graph import Call, Step
from interference_service.references.models.refusal import need, refuse
from interference_service.references.models.sizes import OBJECTIONS, Shapes, Sizes

Environment: TypeAlias = dict[str, Any]
"""Values of nodes by name; tensors, numbers and lists of them."""


class Interpreter:
    """Runs steps on one device in one floating-point type."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype
        self._checked: dict[Hashable, int] = {}

    def run(
        self, steps: Sequence[Step], environment: Environment, shapes: Shapes | None = None
    ) -> None:
        """Run the steps; their results are added to the environment.

        Args:
            steps: Of one graph.
            environment: Values that the graph starts from.
            shapes: Of them; sizes of results are not found again for shapes that were seen. None:
                they are found at every call.

        Raises:
            InputUnsupported: An operator objects to its arguments.
            MemoryError: It would make a tensor too large; fewer rows may do.
        """
        if shapes is not None and shapes.rows <= self._checked.get(shapes.others, -1):
            self._run(steps, environment, None)
            return
        sizes = Sizes()
        self._run(steps, environment, sizes)
        if shapes is not None and not sizes.vary:
            self._checked[shapes.others] = shapes.rows

    def _run(self, steps: Sequence[Step], environment: Environment, sizes: Sizes | None) -> None:
        for step in steps:
            if isinstance(step, Call):
                self._call(step, environment, sizes)
            else:
                inner = _passed(step.inputs, environment)
                with step.context(self._device):
                    self._run(step.steps, inner, sizes)
                environment |= _passed(step.outputs, inner)

    def _call(self, call: Call, environment: Environment, sizes: Sizes | None) -> None:
        try:
            positional = [self._value(each, environment) for each in call.positional]
            named = {name: self._value(each, environment) for name, each in call.named.items()}
            if sizes is not None:
                sizes.check(call.name, positional, named)
            result = call.operator(*positional, **named)
        except torch.OutOfMemoryError:
            raise
        except OBJECTIONS as error:
            raise _refused_call(call, error) from error
        values = result if call.spread else [result]
        environment |= {
            name: value
            for name, value in zip(call.outputs, values, strict=False)
            if name is not None
        }

    def _value(self, each: Argument, environment: Environment) -> Any:
        match each:
            case Reference(name):
                return environment[name]
            case Constant(value):
                return value
            case Items(items):
                return [self._value(item, environment) for item in items]
            case ElementType(dtype):
                return self._dtype if dtype in {torch.float32, torch.float64} else dtype
            case ModelDevice():
                return self._device


def _passed(pairs: Sequence[tuple[str, str]], environment: Environment) -> Environment:
    """Values by their names on the other side of a region's border."""
    for _, name in pairs:
        need(name in environment, f"passes {name} across a region, which no node before makes")
    return {there: environment[here] for there, here in pairs}


def _refused_call(call: Call, error: Exception) -> Exception:
    text = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
    if "can't allocate memory" in text:
        return MemoryError(text)
    where = next((name for name in call.outputs if name), "a node without a name")
    return refuse(
        f"cannot be run on these inputs: {call.name} at {where} says: {text}; check the shapes of "
        "the inputs, and that the model was exported with a dynamic batch"
    )
