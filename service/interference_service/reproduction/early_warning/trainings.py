"""The trainings that the study rests on, and how they are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch

from interference_service.reproduction.plan import BASELINE, BudgetName, Plan, budget_of
from interference_service.reproduction.records import DatasetName, RunKey
from interference_service.reproduction.reproduce import INTERRUPTED, Reproduction, reproduce


@dataclass(frozen=True, slots=True)
class Part:
    """Trainings of one data set at one imbalance, which differ in their seed.

    Attributes:
        imbalance: None: as the set is.
        seeds: How many; those of a study are all different, so that no two trainings share
            their first weights or their order.
    """

    dataset: DatasetName
    imbalance: float | None
    seeds: int
    epochs: int
    analyse_every: int


PARTS: Mapping[BudgetName, tuple[Part, ...]] = MappingProxyType(
    {
        "full": (
            *(Part("cifar10-lt", each, 10, 60, 2) for each in (1.0, 10.0, 50.0, 100.0)),
            *(Part("infrared-solar-modules", each, 10, 60, 2) for each in (1.0, 10.0, None)),
        ),
        "hour": (
            Part("infrared-solar-modules", 1.0, 5, 6, 2),
            Part("infrared-solar-modules", 50.0, 8, 6, 2),
            Part("cifar10-lt", 100.0, 5, 4, 2),
        ),
        "quick": (Part("digits", 1.0, 1, 3, 1), Part("digits", 20.0, 2, 3, 1)),
    }
)
"""``full``: on a GPU; ``hour``: on two cores; ``quick``: to see that it runs."""


def plans(name: BudgetName, *, mixed_precision: bool = False) -> tuple[Plan, ...]:
    """What is trained, a plan for every part."""
    made, first = [], 0
    for part in PARTS[name]:
        keys = tuple(
            RunKey(
                dataset=part.dataset, network=BASELINE, imbalance=part.imbalance, seed=first + seed
            )
            for seed in range(part.seeds)
        )
        first += part.seeds
        budget = budget_of(
            part.dataset,
            name,
            epochs=part.epochs,
            analyse_every=part.analyse_every,
            mixed_precision=mixed_precision,
        )
        made.append(Plan(keys, budget))
    return tuple(made)


def train_all(
    wanted: Sequence[Plan], data: Path | None, out: Path, device: torch.device, target: str | None
) -> int:
    """Have every plan reproduced; returns the worst exit status.

    It may be interrupted at any time; called again with the same, it goes on.

    Args:
        wanted: Which trainings.
        data: Where the data sets lie; None: they need no place.
        out: Where everything is kept.
        device: Where they are trained.
        target: See ``Reproduction``.
    """
    worst = 0
    for plan in wanted:
        status = reproduce(Reproduction(plan, data, out, device, target))
        if status == INTERRUPTED:
            return status
        worst = max(worst, status)
    return worst
