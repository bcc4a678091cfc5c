"""Exported programs (``.pt2``): read as data by our own reader, run operator by operator.

``torch.export.load`` is never called: it unpickles, evaluates and loads native code from the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch
from torch import Tensor

from interference_service.references.models.archive import Archive
from interference_service.references.models.arguments import node_name, single
from interference_service.references.models.graph import Step, any_writes, steps_of
from interference_service.references.models.interpreter import Environment, Interpreter
from interference_service.references.models.payloads import QUALIFIED_NAME, Payload, payloads
from interference_service.references.models.refusal import need, refuse, well_formed
from interference_service.references.models.signature import (
    TensorInput,
    check_sizes,
    most_rows,
    output_node,
    tensor_input,
)
from interference_service.references.models.sizes import Shapes

SCHEMA_MAJOR = 8
"""Major version of the format that is read: torch 2.6 and newer."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a node at the start of the graph stands for: a parameter or a buffer, by name."""

    node: str
    parameter: bool
    name: str


@dataclass(frozen=True, slots=True)
class GraphModel:
    """A network in evaluation mode that is a graph and its tensors.

    Attributes:
        parameters: By name; tied weights once, under their first name. On the model's device.
        buffers: By name.
        aliases: For every other name of a tied weight its first one.
        inputs: Arguments of forward that are tensors, in order.
        most_rows: Most rows of a batch; None: any number.
        digest: ``sha256:…`` of the file.
        bindings: What the nodes at the start of the graph stand for.
        steps: Of the graph.
        output: Node of the output that is differentiated.
        interpreter: Runs the steps.
    """

    parameters: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor]
    aliases: Mapping[str, str]
    inputs: tuple[TensorInput, ...]
    most_rows: int | None
    digest: str
    bindings: tuple[Binding, ...]
    steps: tuple[Step, ...]
    output: str
    interpreter: Interpreter

    @property
    def input_names(self) -> tuple[str, ...]:
        """Arguments of forward that are tensors, in order."""
        return tuple(each.name for each in self.inputs)

    def __call__(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The output that is differentiated.

        Args:
            inputs: By the names of forward's arguments; the first axis is the batch.

        Returns:
            Logits, as a rule of shape ``[B, C]``.

        Raises:
            InputUnsupported: The inputs do not fit the graph.
        """
        check_sizes(self.inputs, inputs, self.most_rows)
        # Layers in place write into copies: a call changes neither its inputs nor the buffers.
        copied = any_writes(self.steps)
        environment: Environment = {
            name: each.clone() if copied else each for name, each in inputs.items()
        }
        for each in self.bindings:
            if each.parameter:
                environment[each.node] = self.parameters[each.name]
            else:
                buffer = self.buffers[each.name]
                environment[each.node] = buffer.clone() if copied else buffer
        shapes = Shapes.of(inputs[name] for name in self.input_names)
        self.interpreter.run(self.steps, environment, shapes)
        output = environment.get(self.output)
        need(isinstance(output, Tensor), "has an output that is not a tensor")
        assert isinstance(output, Tensor)  # noqa: S101 - for the type checker
        return output


def read(
    file: BinaryIO, digest: str, *, device: torch.device, dtype: torch.dtype, output: str = ""
) -> GraphModel:
    """Read an exported program.

    Args:
        file: Its archive.
        digest: Of the archive.
        device: Where its tensors are wanted.
        dtype: Floating-point type of its tensors.
        output: Key or position of the output that is differentiated; empty: ``logits`` where there
            is one, else the first.

    Raises:
        InputUnsupported: Something in it is refused, or it has no such output.
    """
    archive = Archive(file)
    document = archive.json("models/model.json")
    weights = payloads(archive, "weights", "weight_")
    constants = payloads(archive, "constants", "tensor_")
    with well_formed("graph"):
        major = document["schema_version"]["major"]
        need(
            major == SCHEMA_MAJOR,
            f"has version {major} of the format; {SCHEMA_MAJOR} is read, which torch 2.6 and newer write",
        )
        builder = _Builder(weights, constants, device, dtype)
        ranges = document.get("range_constraints", {})
        return builder.build(document["graph_module"], ranges, digest, output)


class _Builder:
    """Puts the tensors of an archive and its graph together."""

    def __init__(
        self,
        weights: Mapping[str, Payload],
        constants: Mapping[str, Payload],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._payloads = {**constants, **weights}
        self._device = device
        self._dtype = dtype
        self._parameters: dict[str, Tensor] = {}
        self._buffers: dict[str, Tensor] = {}
        self._shared: dict[Any, Tensor] = {}
        self._aliases: dict[str, str] = {}
        self._first: dict[Any, str] = {}
        self._bindings: list[Binding] = []
        self._inputs: list[TensorInput] = []

    def build(
        self, module: Mapping[str, Any], ranges: Mapping[str, Any], digest: str, output: str
    ) -> GraphModel:
        graph, signature = module["graph"], module["signature"]
        need(not graph.get("custom_obj_values"), "holds custom objects, which are not read")
        for specification in signature["input_specs"]:
            self._bind(*single(specification, "input"), graph)
        need(self._inputs, "takes no tensors")
        return GraphModel(
            parameters=self._parameters,
            buffers=self._buffers,
            aliases=self._aliases,
            inputs=tuple(self._inputs),
            most_rows=most_rows(self._inputs, ranges),
            digest=digest,
            bindings=tuple(self._bindings),
            steps=steps_of(graph),
            output=output_node(module, output),
            interpreter=Interpreter(self._device, self._dtype),
        )

    def _bind(self, kind: str, value: Mapping[str, Any], graph: Mapping[str, Any]) -> None:
        if kind in {"user_input", "constant_input"}:
            found = tensor_input(value, graph) if kind == "user_input" else None
            self._inputs += [] if found is None else [found]
            return
        need(
            kind in {"parameter", "buffer", "tensor_constant"}, f"has an input of the kind {kind!r}"
        )
        name, node = str(value[f"{kind}_name"]), node_name(value["arg"]["name"])
        need(QUALIFIED_NAME.fullmatch(name), f"names a tensor {name[:80]!r}")
        if name not in self._payloads:
            raise refuse(f"lacks the values of {name!r}; export the model again")
        payload = self._payloads[name]
        if kind != "parameter":
            if payload.identity not in self._shared:
                self._shared[payload.identity] = self._placed(payload.tensor)
            self._buffers[name] = self._shared[payload.identity]
            self._bindings.append(Binding(node, parameter=False, name=name))
            return
        owner = self._first.setdefault(payload.identity, name)
        if owner == name:
            tensor = self._placed(payload.tensor)
            trainable = payload.trainable and tensor.is_floating_point()
            self._parameters[name] = tensor.requires_grad_(trainable)
        else:
            self._aliases[name] = owner
        self._bindings.append(Binding(node, parameter=True, name=owner))

    def _placed(self, tensor: Tensor) -> Tensor:
        """A copy of our own on the device, so that nothing shares memory with the file."""
        if tensor.dtype is torch.bool:
            # A byte that is neither 0 nor 1 would be neither true nor false.
            tensor = tensor.view(torch.uint8) != 0
        dtype = self._dtype if tensor.is_floating_point() else tensor.dtype
        return tensor.clone().to(self._device, dtype)
