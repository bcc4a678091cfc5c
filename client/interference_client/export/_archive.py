"""From a live model to an archive that the service reads."""

import copy
import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import fx, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from interference_client.errors import ExportFailed
from interference_client.export._checks import check
from interference_client.export._examples import Batch, DynamicAxes, Examples, batch_of
from interference_client.export._operators import warn_of_unknown


@dataclass(frozen=True, slots=True)
class ExportedInput:
    """An input that data must be given for.

    Attributes:
        name: Of forward's argument.
        dtype: Its element type.
        shape: None for axes of any size; the first is the batch.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What was written.

    Attributes:
        path: Of the archive.
        digest: ``sha256:…`` of it, for ``ModelReference``.
        parameters: Numbers in all parameters together; tied ones once.
        inputs: Arguments of forward.
        torch_version: That wrote it.
    """

    path: str
    digest: str
    parameters: int
    inputs: tuple[ExportedInput, ...]
    torch_version: str


def export_model(
    model: nn.Module,
    example_inputs: Examples,
    path: str | os.PathLike[str],
    *,
    dynamic_axes: DynamicAxes | None = None,
) -> ExportedModel:
    """Write a model as an archive for ``ModelReference`` and check that it is the same network.

    The archive holds the network in evaluation mode for batches of any size, without the examples
    and without paths of your sources. Before it takes its place it is read back: on two batches of
    different sizes logits and the gradients of all parameters must be those of the model. A warning
    names operators that a service of this version does not run; another service is asked by
    ``submit(…, validate_only=True)``.

    Args:
        model: The network, on any device; it is left as it is.
        example_inputs: One batch for ``forward``: a tensor, a tuple of them, or a mapping by the
            names of its arguments. The first axis of each is the batch. One row suffices.
        path: Of the archive; it ends in ``.pt2``, and a file of that name is replaced.
        dynamic_axes: Axes of any size besides the batch, as ``{"input_ids": [1]}``.

    Raises:
        ExportFailed: The model cannot be exported, or not faithfully; no file is left.
        ValueError: The path does not end in ``.pt2``.
        OSError: The file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".pt2":
        raise ValueError(f"{str(path)!r} does not end in .pt2, by which tools tell the archive")
    bare = _unwrapped(model)
    batch = batch_of(bare, example_inputs, dynamic_axes or {})
    # Where gradients stop is only written down where gradients are on.
    with _evaluated(bare) as module, torch.inference_mode(False), torch.enable_grad():
        program = _traced(module, batch)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as directory:
            written = Path(directory, path.name)
            torch.export.save(program, written)
            check(module, batch, written)
            warn_of_unknown(program)
            digest = _digest(written)
            os.replace(written, path)
    return ExportedModel(
        path=str(path),
        digest=digest,
        parameters=sum(each.numel() for each in bare.parameters()),
        inputs=tuple(_described(batch, name) for name in batch.inputs),
        torch_version=torch.__version__,
    )


def _unwrapped(model: nn.Module) -> nn.Module:
    """The network itself, without what trains or compiles it and adds to the names of its weights.

    Raises:
        ExportFailed: It is no module.
    """
    if isinstance(model, DataParallel | DistributedDataParallel):
        return _unwrapped(model.module)
    original = getattr(model, "_orig_mod", model)
    if not isinstance(original, nn.Module):
        raise ExportFailed(f"the model is of type {type(model).__name__}; it must be a nn.Module")
    return original


@contextmanager
def _evaluated(model: nn.Module) -> Iterator[nn.Module]:
    """The model on the CPU in evaluation mode; afterwards each of its modules is as it was.

    Yields:
        The model, or a copy if it is elsewhere.
    """
    module = _on_cpu(model)
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield module
    finally:
        for each, training in modes:
            each.training = training


def _on_cpu(model: nn.Module) -> nn.Module:
    held: list[torch.Tensor] = [*model.parameters(), *model.buffers()]
    if all(each.device.type == "cpu" for each in held):
        return model
    copies = {id(each): each.detach().cpu() for each in model.buffers()}
    copies |= {
        id(each): nn.Parameter(each.detach().cpu(), requires_grad=each.requires_grad)
        for each in model.parameters()
    }
    # The copy takes these for the tensors that it comes across, so that it has no others.
    return copy.deepcopy(model, dict(copies))


def _traced(module: nn.Module, batch: Batch) -> torch.export.ExportedProgram:
    positional, named = batch.arguments
    try:
        with warnings.catch_warnings():
            # What they warn of is what the check finds, or does not.
            warnings.simplefilter("ignore")
            program = torch.export.export(
                module, positional, named, dynamic_shapes=batch.sizes(), strict=False
            )
    except Exception as error:
        raise ExportFailed(_reason(error)) from error
    # Examples are training data, and traces are paths and lines of the author's sources.
    program.example_inputs = None
    for graph in program.graph_module.modules():
        if isinstance(graph, fx.GraphModule):
            for node in graph.graph.nodes:
                node.meta.pop("stack_trace", None)
    return program


def _reason(error: Exception) -> str:
    """What stands in the way, and what to change."""
    text = str(error)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")[:300]
    where = [line.strip() for line in text.splitlines() if line.strip().startswith("File ")]
    place = f" ({where[-1]})" if where else ""
    if "data-dependent" in text.lower():
        return (
            f"forward decides by the values of its input{place}: {first}; compute both ways and "
            "choose with torch.where"
        )
    if "Constraints violated" in text or "specialized" in text:
        cause = next((line.strip(" -") for line in text.splitlines() if "  - " in line), first)
        return (
            f"forward works for some sizes only: {cause[:300]}; take sizes from its input "
            "(x.shape[0], reshape(-1, …)) instead of numbers, and name only axes in dynamic_axes "
            "that may have any size"
        )
    return f"torch cannot export the model{place}: {type(error).__name__}: {first}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _described(batch: Batch, name: str) -> ExportedInput:
    tensor, open_axes = batch.inputs[name], {0, *batch.dynamic.get(name, ())}
    shape = tuple(None if axis in open_axes else size for axis, size in enumerate(tensor.shape))
    return ExportedInput(name, str(tensor.dtype).removeprefix("torch."), shape)
