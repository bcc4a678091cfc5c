"""Trainings of one data set, by what was trained and by seed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from interference_service.reproduction.plan import BASELINE, CLAIMED, NETWORKS
from interference_service.reproduction.records import (
    Bounded,
    DatasetName,
    GradientRule,
    Loss,
    NetworkName,
    RunRecord,
)
from interference_service.reproduction.report.aggregation import (
    mean_over_seeds,
    paired_difference,
    share_over_seeds,
)
from interference_service.reproduction.report.paper import CLASS_F1

LABELS: Mapping[NetworkName, str] = {
    "multi_branch_cnn": "multi-branch",
    "shared_attention_cnn": "shared attention",
    "csba_cnn": "CSBA",
    "csba_narrow": "CSBA, narrow",
    "csba_everywhere": "CSBA, everywhere",
    "csba_normalised": "CSBA, normalised",
    "residual_cnn": "residual",
}
OfRun: TypeAlias = Callable[[RunRecord], float | None]
"""A number of a training."""


@dataclass(frozen=True, slots=True)
class Way:
    """A network with a loss and a rule for gradients."""

    network: NetworkName
    loss: Loss = "cross_entropy"
    gradient: GradientRule = "mean"

    @property
    def plain(self) -> bool:
        """Whether nothing but the network differs from the baseline."""
        return self.loss == "cross_entropy" and self.gradient == "mean"

    @property
    def label(self) -> str:
        """As it is called in reports."""
        more = [] if self.loss == "cross_entropy" else [self.loss.replace("_", "-")]
        more += [] if self.gradient == "mean" else [f"{self.gradient.replace('_', '-')} gradients"]
        return ", ".join([LABELS[self.network], *more])


BASE = Way(BASELINE)
CLAIM = Way(CLAIMED)
CONTROL = Way("shared_attention_cnn")
"""Attention too, but the same for all branches."""


@dataclass(frozen=True)
class Experiment:
    """What was trained on one data set, cut to one imbalance.

    Attributes:
        records: Of all trainings, finished or not.
    """

    dataset: DatasetName
    imbalance: float | None
    records: tuple[RunRecord, ...]

    @classmethod
    def of(
        cls, records: Iterable[RunRecord], dataset: DatasetName, imbalance: float | None
    ) -> "Experiment":
        """Those of the records that belong to it, in the order of the report."""
        mine = (
            each
            for each in records
            if each.key.dataset == dataset and each.key.imbalance == imbalance
        )
        return cls(dataset, imbalance, tuple(sorted(mine, key=_order)))

    @cached_property
    def runs(self) -> Mapping[Way, Mapping[int, RunRecord]]:
        """Finished trainings, by what was trained and by seed."""
        found: dict[Way, dict[int, RunRecord]] = {}
        for each in self.records:
            if each.finished:
                found.setdefault(_way(each), {})[each.key.seed] = each
        return found

    @property
    def networks(self) -> tuple[Way, ...]:
        """Those of which nothing but the network differs, the baseline first."""
        return tuple(way for way in self.runs if way.plain)

    @property
    def mitigations(self) -> tuple[Way, ...]:
        """Those with another loss or rule than the plain."""
        return tuple(way for way in self.runs if not way.plain)

    @property
    def example(self) -> RunRecord:
        """One of the trainings, for what is the same in all."""
        return next(iter(next(iter(self.runs.values())).values()))

    @property
    def watched(self) -> tuple[str, ...]:
        """Classes that are reported by themselves: minorities, and those that the paper names."""
        named = {name for dataset, name in CLASS_F1 if dataset == self.dataset}
        few = self.example.minorities
        return tuple(each for each in self.example.class_names if each in named or each in few)

    def mean(self, way: Way, number: OfRun) -> Bounded:
        """A number's mean over seeds."""
        return mean_over_seeds(self.by_seed(way, number).values())

    def share(self, way: Way, number: OfRun) -> Bounded:
        """The mean over seeds of a number between 0 and 1."""
        return share_over_seeds(self.by_seed(way, number).values())

    def difference(self, way: Way, number: OfRun, other: Way = BASE) -> Bounded:
        """What a number is more than with the other, in pairs of the same seed."""
        return paired_difference(self.by_seed(way, number), self.by_seed(other, number))

    def by_seed(self, way: Way, number: OfRun) -> Mapping[int, float | None]:
        """A number of every training."""
        return {seed: number(record) for seed, record in self.runs.get(way, {}).items()}


def _way(record: RunRecord) -> Way:
    return Way(record.key.network, record.key.loss, record.key.gradient)


def _order(record: RunRecord) -> tuple[int, str, str, int]:
    key = record.key
    loss = "" if key.loss == "cross_entropy" else key.loss
    gradient = "" if key.gradient == "mean" else key.gradient
    return NETWORKS.index(key.network), loss, gradient, key.seed
