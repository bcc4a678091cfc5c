"""Parameters and losses that let every gradient be seen."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from interference_service.references.models.exported_program import GraphModel
from interference_service.references.models.interpreter import Interpreter

_JITTER = 0.1


def shaken(model: GraphModel) -> GraphModel:
    """The model in 64 bits, shaken so that no gradient vanishes by chance of the training."""
    device = next(iter(model.parameters.values())).device
    return replace(
        model,
        parameters=_shaken(model.parameters),
        buffers={name: wide(each) for name, each in model.buffers.items()},
        interpreter=Interpreter(device, torch.float64),
    )


def wide(x: Tensor) -> Tensor:
    """The tensor in 64 bits, if it holds numbers with a point."""
    return x.double() if x.is_floating_point() else x


def _shaken(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, each in parameters.items():
        noise = torch.randn(each.shape, generator=generator, dtype=torch.float64)
        spread = float(each.detach().double().square().mean().sqrt()) if each.numel() else 0.0
        moved = each.detach().double() + (_JITTER * (spread or 1.0) * noise).to(each.device)
        found[name] = moved.requires_grad_(each.requires_grad)
    return found


def signal(logits: Tensor, targets: Tensor) -> Tensor:
    """Sums of a row's logits with weights of its own, by which no gradient vanishes."""
    flat = logits.reshape(len(targets), -1)
    columns = torch.arange(1, flat.shape[1] + 1, device=flat.device)
    return (flat * torch.cos(columns * (targets[:, None] + 1.0))).sum(1)
