"""How well a signal tells rows with an outcome from rows without: the area under the ROC curve.

The area is the share of pairs, of a row with the outcome and one without, in which the first is
less healthy; ties count half. Pairs are counted once by the two runs that they come from: with
``w_r`` for how often a draw has run r, its area is ``Σ w_r w_s won_rs / Σ w_r w_s counted_rs``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.reproduction.early_warning.estimates import (
    AREAS,
    PLAIN,
    Estimate,
    over_draws,
)

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of a row with the outcome, of a run (first axis), and one without, of a run (second).

    Attributes:
        won: Those in which the row with the outcome is less healthy. Has shape ``[R, R]``.
        counted: All of them. Has shape ``[R, R]``.
    """

    won: Matrix
    counted: Matrix

    @property
    def runs(self) -> int:
        """Runs on the side that has fewer."""
        with_outcome, without = (self.counted.any(axis=axis).sum() for axis in (1, 0))
        return int(min(with_outcome, without))

    def areas(self, draws: Matrix) -> Vector:
        """The area of every draw; NaN where it has no pair.

        Args:
            draws: How often a draw has a run. Has shape ``[B, R]``.

        Returns:
            Has shape ``[B]``.
        """
        won, counted = (((draws @ each) * draws).sum(axis=1) for each in (self.won, self.counted))
        areas = np.full(len(draws), np.nan)
        return np.asarray(np.divide(won, counted, out=areas, where=counted > 0))

    @property
    def area(self) -> float:
        """Of all runs."""
        return float(self.areas(np.ones((1, len(self.won))))[0])


def pairs(health: Vector, outcome: Mask, run: Integers, stratum: Integers, runs: int) -> Pairs:
    """Compare every row that has the outcome with every one of its stratum that has not.

    Args:
        health: A signal, more is healthier. Has shape ``[n]``.
        outcome: Has shape ``[n]``.
        run: Which run a row is of. Has shape ``[n]``.
        stratum: Only rows of one stratum are compared. Has shape ``[n]``.
        runs: R.
    """
    values, rank = np.unique(health, return_inverse=True)
    # One number that is sorted by the stratum first, so that a search finds both at once.
    place = stratum * len(values) + rank
    ill, end = place[outcome], (stratum[outcome] + 1) * len(values)
    won, counted = np.zeros((runs, runs)), np.zeros((runs, runs))
    for other in np.unique(run[~outcome]):
        well = np.sort(place[~outcome & (run == other)])
        first, last = np.searchsorted(well, ill), np.searchsorted(well, ill, "right")
        stop, start = np.searchsorted(well, end), np.searchsorted(well, end - len(values))
        healthier = stop - last + (last - first) / 2
        won[:, other] = np.bincount(run[outcome], healthier, runs)
        counted[:, other] = np.bincount(run[outcome], stop - start, runs)
    return Pairs(won, counted)


def area(of: Pairs, draws: Matrix) -> Estimate:
    """The area with its interval."""
    return over_draws(of.area, of.areas(draws), of.runs, AREAS)


def difference(one: Pairs, other: Pairs, draws: Matrix) -> Estimate:
    """How much larger the area of one signal is than that of another, over the same rows."""
    return over_draws(
        one.area - other.area,
        one.areas(draws) - other.areas(draws),
        min(one.runs, other.runs),
        PLAIN,
    )
