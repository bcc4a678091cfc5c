"""An archive that was just written is the network that it was written from."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from interference_client.errors import ExportFailed
from interference_client.export._examples import Batch


def check(model: nn.Module, batch: Batch, path: Path) -> None:
    """Compare the network of an archive with a model in evaluation mode.

    Args:
        model: The model.
        batch: A batch; it is tried as it is and with one row more.
        path: Of the archive, which this process wrote a moment ago.

    Raises:
        ExportFailed: They differ.
    """
    program = torch.export.load(path)
    read_back = program.module()
    _same_parameters(model, read_back)
    for each in (batch, batch.longer()):
        wanted, their_wanted = _outputs(model, each, "the model")
        found, their_found = _outputs(read_back, each, "the archive")
        _has_rows(wanted, each.rows)
        if len(found) != len(wanted) or not all(
            _close(one, other) for one, other in zip(found, wanted, strict=True)
        ):
            raise ExportFailed(
                f"the archive answers a batch of {each.rows} rows otherwise than the model does; "
                "forward must be a function of its input alone: no random numbers, and nothing "
                "taken over from the example"
            )
        _same_gradients(model, their_wanted, read_back, their_found)


Gradients = Mapping[str, Tensor]
"""By name of the parameter; those that got none are left out."""


def _names(model: nn.Module) -> dict[int, list[str]]:
    """All names of every parameter of a model, by its identity; tied ones have several."""
    found: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        found.setdefault(id(parameter), []).append(name)
    return found


def _same_parameters(model: nn.Module, read_back: nn.Module) -> None:
    there = dict(read_back.named_parameters(remove_duplicate=False))
    by_identity = {id(each): each for each in model.parameters()}
    for identity, names in _names(model).items():
        parameter = by_identity[identity]
        kept = [there[name] for name in names if name in there]
        if not kept:
            raise ExportFailed(f"the archive has lost the parameter {names[0]!r}")
        if any(
            each.requires_grad != parameter.requires_grad or not torch.equal(each, parameter)
            for each in kept
        ):
            raise ExportFailed(f"the archive has the parameter {names[0]!r} with another value")
    if not any(each.requires_grad for each in model.parameters()):
        raise ExportFailed(
            "no parameter of the model asks for its gradient; set requires_grad of those that are "
            "trained"
        )


def _outputs(
    model: Callable[..., Any], batch: Batch, what: str
) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Outputs, and the gradients of a fixed weighted sum of them by name of the parameter.

    Raises:
        ExportFailed: The model does not run on the batch, or its outputs have no gradients.
    """
    positional, named = batch.arguments
    try:
        # A layer in place would write into the example.
        outputs = model(
            *(each.clone() for each in positional),
            **{name: each.clone() for name, each in named.items()},
        )
        found = [
            each
            for each in pytree.tree_leaves(outputs)
            if isinstance(each, Tensor) and each.is_floating_point()
        ]
        assert isinstance(model, nn.Module)  # noqa: S101 - for the type checker
        return [each.detach() for each in found], _gradients(model, found)
    except (RuntimeError, AssertionError, TypeError, ValueError, IndexError) as error:
        text = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise ExportFailed(
            f"{what} does not run on a batch of {batch.rows} rows: {text}"
        ) from error


def _gradients(model: nn.Module, outputs: list[Tensor]) -> dict[str, Tensor]:
    every: dict[str, Tensor] = dict(model.named_parameters(remove_duplicate=False))
    named = {name: each for name, each in every.items() if each.requires_grad}
    # The sum of probabilities is constant, a sum with unequal weights is not.
    trained = [each for each in outputs if each.requires_grad]
    if not trained:
        raise ExportFailed("no output of forward has a gradient; return logits that training uses")
    flat = torch.cat([each.double().flatten() for each in trained])
    total = (flat * torch.linspace(-1, 1, len(flat), dtype=torch.double)).sum()
    found = torch.autograd.grad(total, list(named.values()), allow_unused=True)
    # None for those that nothing was made of, whatever torch's annotations say.
    pairs: Any = zip(named, found, strict=True)
    return {name: each for name, each in pairs if each is not None}


def _has_rows(outputs: list[Tensor], rows: int) -> None:
    if not any(each.dim() and each.shape[0] == rows for each in outputs):
        shapes = ", ".join(str(tuple(each.shape)) for each in outputs)
        raise ExportFailed(
            f"{rows} rows have outputs of the shapes {shapes}; one must have the rows along its "
            "first axis: the logits"
        )


def _same_gradients(
    model: nn.Module, wanted: Gradients, read_back: nn.Module, found: Gradients
) -> None:
    there = dict(read_back.named_parameters(remove_duplicate=False))
    total = math.sqrt(sum(float(each.double().square().sum()) for each in wanted.values()))
    here = dict(model.named_parameters())
    for names in _names(model).values():
        none = torch.zeros_like(here[names[0]]).detach()
        # Tied weights come back as several parameters, whose gradients add up to the one.
        parts = {id(there[name]): found[name] for name in names if name in found}
        if not _close(sum(parts.values(), none), wanted.get(names[0], none), total):
            raise ExportFailed(
                f"the parameter {names[0]!r} has another gradient in the archive than in the model; "
                "a function of its own (torch.autograd.Function) or a hook changes it on the way"
            )


def _close(found: Tensor, wanted: Tensor, scale: float = 0.0) -> bool:
    """Whether two tensors are equal but for rounding.

    Args:
        found: A tensor.
        wanted: Another.
        scale: Norm of what the tensor is a part of.
    """
    if found.shape != wanted.shape:
        return False
    tolerance = math.sqrt(torch.finfo(wanted.dtype).eps)
    norm = float(torch.linalg.vector_norm(wanted.double()))
    error = float(torch.linalg.vector_norm(found.double() - wanted.double()))
    return error <= tolerance * (norm + tolerance * scale)
