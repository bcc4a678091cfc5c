"""The optimiser of a training, and its learning rate at every step."""

import math
from typing import Any

import torch
from torch import nn

from interference_service.reproduction.records import Budget


def learning_rate(step: int, steps_per_epoch: int, budget: Budget) -> float:
    """Of a step that is counted from 0 over all epochs: a linear warm-up, then half a cosine."""
    total = budget.epochs * steps_per_epoch
    warm_up = min(budget.warm_up_epochs * steps_per_epoch, total)
    if step < warm_up:
        return budget.learning_rate * (step + 1) / warm_up
    progress = (step - warm_up) / (total - warm_up)
    return budget.learning_rate * (1 + math.cos(math.pi * progress)) / 2


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """For all parameters."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def optimiser_of(network: nn.Module, budget: Budget) -> torch.optim.SGD:
    """Nesterov's momentum; weights decay, biases and what normalises do not."""
    parameters = list(network.parameters())
    groups: list[dict[str, Any]] = [
        {"params": [each for each in parameters if each.ndim > 1]},
        {"params": [each for each in parameters if each.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(
        groups,
        lr=budget.learning_rate,
        momentum=budget.momentum,
        weight_decay=budget.weight_decay,
        nesterov=budget.momentum > 0,
    )
