"""Gradients row by row through the network that was exported, and rows in batches."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from interference_service.core.gradients import Batch
from interference_service.core.losses import RowLoss
from support.engine_rows import NUM_SEGMENTS, SEGMENTS
from support.networks import Inputs


def batches_of(
    inputs: Inputs, targets: Tensor, segments: Tensor, sizes: Sequence[int]
) -> Iterator[Batch]:
    """Rows in batches of these sizes, in each of them segment after segment."""
    start = 0
    for size in sizes:
        part = slice(start, start + size)
        found, counts = torch.unique_consecutive(segments[part], return_counts=True)
        runs = tuple(zip(found.tolist(), counts.tolist(), strict=True))
        yield Batch({name: each[part] for name, each in inputs.items()}, targets[part], runs)
        start += size


def trainable(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: each for name, each in module.named_parameters() if each.requires_grad}


def flat_gradient(module: nn.Module, inputs: Inputs, targets: Tensor, loss: RowLoss) -> Tensor:
    """Of the summed loss. Has shape ``[P]``."""
    parameters = list(trainable(module).values())
    outputs = module(**{name: each.clone() for name, each in inputs.items()})
    logits = outputs[0] if isinstance(outputs, tuple) else outputs
    gradients = torch.autograd.grad(loss(logits, targets).sum(), parameters, allow_unused=True)
    pairs = zip(gradients, parameters, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])


def reference(module: nn.Module, inputs: Inputs, targets: Tensor, loss: RowLoss) -> Tensor:
    """Sums of the segments, from gradients of single rows. Has shape ``[segments, P]``."""
    sums = torch.zeros(NUM_SEGMENTS, sum(each.numel() for each in trainable(module).values()))
    sums = sums.double()
    for row, segment in enumerate(SEGMENTS.tolist()):
        one = {name: each[row : row + 1] for name, each in inputs.items()}
        sums[segment] += flat_gradient(module, one, targets[row : row + 1], loss)
    return sums
