"""Makes the trainings of the study, or goes on with them."""

from pathlib import Path

import torch

from interference_service.reproduction.early_warning.plan import plans
from interference_service.reproduction.plan import BudgetName
from interference_service.reproduction.reproduce import INTERRUPTED, Reproduction, reproduce


def train_all(
    name: BudgetName, data: Path | None, out: Path, device: torch.device, target: str | None
) -> int:
    """Have every plan reproduced; returns the worst exit status.

    It may be interrupted at any time; called again with the same, it goes on.

    Args:
        name: Which trainings.
        data: Where the data sets lie; None: they need no place.
        out: Where everything is kept.
        device: Where they are trained.
        target: See ``Reproduction``.
    """
    worst = 0
    for plan in plans(name):
        status = reproduce(Reproduction(plan, data, out, device, target))
        if status == INTERRUPTED:
            return status
        worst = max(worst, status)
    return worst
