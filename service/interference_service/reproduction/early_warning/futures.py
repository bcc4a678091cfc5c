"""Rows of which something is to be predicted, with what becomes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interference_service.reproduction.early_warning.observations import Observation
from interference_service.reproduction.early_warning.outcomes import can_fall, falls
from interference_service.reproduction.early_warning.separation import Pairs, pairs

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

Among: TypeAlias = Literal["all", "alike"]
"""Which rows are compared: all, or those of one class, imbalance and epoch in different runs."""


@dataclass(frozen=True)
class Futures:
    """Some observations, and their future.

    Attributes:
        outcome: Whether each has it. Has shape ``[n]``.
        later: What signals are to rank: recall, unless it is said otherwise. Has shape ``[n]``.
        eased: How much lower the held-out loss is then; NaN: not recorded. Has shape ``[n]``.
        draws: How often a draw has a run. Has shape ``[B, R]``.
    """

    seen: Sequence[Observation]
    outcome: Mask
    later: Vector
    eased: Vector
    draws: Matrix

    def where(self, kept: Iterable[bool] | Mask) -> "Futures":
        """Some of them."""
        mask = np.fromiter(kept, dtype=bool, count=len(self.seen))
        seen = [each for each, one in zip(self.seen, mask, strict=True) if one]
        return Futures(seen, self.outcome[mask], self.later[mask], self.eased[mask], self.draws)

    def health(self, signal: str) -> Vector:
        """A signal. Has shape ``[n]``."""
        return np.array([each.health[signal] for each in self.seen], dtype=np.float64)

    @property
    def runs(self) -> Integers:
        """Has shape ``[n]``."""
        return np.array([each.run for each in self.seen], dtype=np.int64)

    def pairs(self, health: Vector, among: Among) -> Pairs:
        """Of rows that have the outcome and rows that have not."""
        strata: dict[object, int] = {}
        alike = [(each.imbalance, each.label, each.epoch) for each in self.seen]
        numbers = [
            strata.setdefault(each if among == "alike" else 0, len(strata)) for each in alike
        ]
        stratum = np.array(numbers, dtype=np.int64)
        return pairs(health, self.outcome, self.runs, stratum, self.draws.shape[1])


def of_the_end(seen: Sequence[Observation], draws: Matrix) -> Futures:
    """Minorities before the end of the training: whether they fail, their recall and loss there."""
    before = [each for each in seen if each.minority and not each.last]
    return Futures(
        before,
        np.array([each.fails for each in before], dtype=bool),
        np.array([each.final_recall for each in before], dtype=np.float64),
        np.array([each.finally_eased for each in before], dtype=np.float64),
        draws,
    )


def of_a_horizon(seen: Sequence[Observation], draws: Matrix, horizon: int) -> Futures:
    """Minorities some epochs before an epoch that was trained, and what becomes of them there."""
    before = [each for each in seen if each.minority and horizon in each.correct_later]
    correct = [each.correct for each in before]
    rows = [each.rows for each in before]
    later = [each.correct_later[horizon] for each in before]
    recall = np.divide(np.array(later, dtype=np.float64), rows)
    eased = np.array([each.eased_later[horizon] for each in before], dtype=np.float64)
    return Futures(before, falls(correct, later, rows), recall, eased, draws)


def ranked_by_loss(futures: Futures) -> Futures:
    """Those with held-out losses, to be ranked by how much these fall instead."""
    known = futures.where(~np.isnan(futures.eased))
    return replace(known, later=known.eased)


def that_can_fall(futures: Futures) -> Futures:
    """Those with enough recall to lose."""
    correct, rows = ([getattr(each, name) for each in futures.seen] for name in ("correct", "rows"))
    return futures.where(can_fall(correct, rows))
