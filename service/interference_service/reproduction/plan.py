"""Which trainings an experiment consists of, and what each may take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from interference_service.reproduction.records import (
    Budget,
    DatasetName,
    GradientRule,
    Loss,
    NetworkName,
    RunKey,
)

BudgetName: TypeAlias = Literal["full", "hour", "quick"]

BASELINE: NetworkName = "multi_branch_cnn"
CLAIMED: NetworkName = "csba_cnn"
COMPARED: tuple[NetworkName, ...] = (BASELINE, "shared_attention_cnn", CLAIMED)
"""What is trained where nothing else is asked for."""
VARIANTS: Mapping[NetworkName, Mapping[str, int | bool]] = MappingProxyType(
    {
        "csba_narrow": {"hidden": 24},
        "csba_everywhere": {"everywhere": True},
        "csba_normalised": {"normalised": True},
    }
)
"""Arguments that make these of ``csba_cnn``: they tell whether our choices for it decide what comes out."""
NETWORKS: tuple[NetworkName, ...] = get_args(NetworkName)
MITIGATIONS: tuple[tuple[Loss, GradientRule], ...] = (
    ("class_balanced", "mean"),
    ("logit_adjusted", "mean"),
    ("cross_entropy", "per_class_normalised"),
    ("cross_entropy", "projected"),
)
"""What is done for minorities without another network."""

IMBALANCE: Mapping[DatasetName, float] = MappingProxyType({"cifar10-lt": 100.0, "digits": 20.0})
"""Of the sets that are cut to a long tail; the others have one of their own."""

_BUDGETS: Mapping[BudgetName, Mapping[DatasetName, Budget]] = MappingProxyType(
    {
        "full": {
            "cifar10-lt": Budget(epochs=200, warm_up_epochs=5, analyse_every=20),
            "solar-panels": Budget(
                epochs=100, batch=32, learning_rate=0.02, warm_up_epochs=5, analyse_every=10
            ),
            "infrared-solar-modules": Budget(epochs=60, warm_up_epochs=3, analyse_every=6),
            "digits": Budget(epochs=40, batch=32, learning_rate=0.05, analyse_every=5),
        },
        "hour": {
            "cifar10-lt": Budget(epochs=12, analyse_every=3),
            "solar-panels": Budget(epochs=40, batch=32, learning_rate=0.02, analyse_every=10),
            "infrared-solar-modules": Budget(epochs=6, analyse_every=3),
            "digits": Budget(epochs=40, batch=32, learning_rate=0.05, analyse_every=5),
        },
        "quick": {
            "cifar10-lt": Budget(epochs=1, warm_up_epochs=0, analyse_every=1),
            "solar-panels": Budget(
                epochs=2, batch=32, learning_rate=0.02, warm_up_epochs=0, analyse_every=1
            ),
            "infrared-solar-modules": Budget(epochs=1, warm_up_epochs=0, analyse_every=1),
            "digits": Budget(
                epochs=3, batch=32, learning_rate=0.05, warm_up_epochs=0, analyse_every=1
            ),
        },
    }
)
BUDGETS: tuple[BudgetName, ...] = get_args(BudgetName)
"""``full``: on a GPU; ``hour``: three seeds of three networks on two cores; ``quick``: to see that it runs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The trainings, in their order: all of a seed before the next one; one budget for all."""

    keys: tuple[RunKey, ...]
    budget: Budget


def budget_of(
    dataset: DatasetName,
    name: BudgetName = "full",
    *,
    epochs: int | None = None,
    analyse_every: int | None = None,
    learning_rate: float | None = None,
    augment: bool = True,
    mixed_precision: bool = False,
) -> Budget:
    """A budget by name, with what is asked for otherwise."""
    named = _BUDGETS[name][dataset]
    changes: dict[str, float | bool] = {"augment": augment, "mixed_precision": mixed_precision}
    if epochs is not None:
        changes |= {"epochs": epochs, "warm_up_epochs": min(named.warm_up_epochs, epochs // 2)}
    if analyse_every is not None:
        changes["analyse_every"] = analyse_every
    if learning_rate is not None:
        changes["learning_rate"] = learning_rate
    return named.model_copy(update=changes)


def plan_of(
    dataset: DatasetName,
    budget: Budget,
    *,
    seeds: int = 3,
    networks: Sequence[NetworkName] = COMPARED,
    losses: Sequence[Loss] = ("cross_entropy",),
    gradients: Sequence[GradientRule] = ("mean",),
    mitigations: bool = False,
    imbalance: float | None = None,
) -> Plan:
    """Every network with every loss and rule, and the baseline with every mitigation, by seed.

    Args:
        dataset: On what.
        budget: Of each.
        seeds: How many; they are 0, 1, …
        networks: Which are trained.
        losses: With which losses.
        gradients: With which rules for gradients.
        mitigations: Whether the baseline is trained with each of ``MITIGATIONS`` too.
        imbalance: Of the training data; None: the data set's own, see ``IMBALANCE``.
    """
    ways = [(network, loss, rule) for network in networks for loss in losses for rule in gradients]
    if mitigations:
        ways += [(BASELINE, loss, rule) for loss, rule in (("cross_entropy", "mean"), *MITIGATIONS)]
    cut = imbalance_of(dataset, imbalance)
    keys = [
        RunKey(dataset=dataset, network=network, loss=loss, gradient=rule, imbalance=cut, seed=seed)
        for seed in range(seeds)
        for network, loss, rule in dict.fromkeys(ways)
    ]
    return Plan(tuple(keys), budget)


def architecture_of(network: NetworkName) -> tuple[str, Mapping[str, int | bool]]:
    """The architecture that a network is of, and those of its arguments that are not the default."""
    return (CLAIMED, VARIANTS[network]) if network in VARIANTS else (network, {})


def imbalance_of(dataset: DatasetName, wanted: float | None) -> float | None:
    """The imbalance that an experiment has where this one, or none, is asked for."""
    return IMBALANCE.get(dataset) if wanted is None else wanted


def analysed_epochs(budget: Budget) -> tuple[int, ...]:
    """After which epochs the service is asked: 0, every so often, and the last."""
    if not budget.analyse_every:
        return ()
    regular = range(0, budget.epochs, budget.analyse_every)
    return (*regular, budget.epochs)


def named_budget(dataset: DatasetName, budget: Budget) -> str:
    """What the budget is, in plain words, beside the full one."""
    full = _BUDGETS["full"][dataset].epochs
    if budget.epochs < full:
        return f"reduced budget: {budget.epochs} of {full} epochs"
    return f"full budget: {budget.epochs} epochs"
