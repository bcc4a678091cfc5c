"""Intervals over runs: rows of one run are not independent, runs are."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from interference_service.reproduction.intervals import NORMAL, student

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

NOTHING = "nothing to compare"
LEAST_RUNS = 5
"""On each side of a comparison; of fewer, draws say nothing of how runs differ."""
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval over runs.

    Attributes:
        value: NaN where there is none.
        lower: NaN where there is no interval.
        upper: Likewise.
        why: Why there is no value, or no interval.
    """

    value: float
    lower: float = math.nan
    upper: float = math.nan
    why: str = ""

    @property
    def bounded(self) -> bool:
        """Whether it has an interval."""
        return math.isfinite(self.lower)

    def beyond(self, reference: float) -> int:
        """1 if the interval lies above a reference, -1 if below, 0 if it holds it or is none."""
        return int(self.lower > reference) - int(self.upper < reference)


def draws(runs: int, count: int, seed: int) -> Matrix:
    """How often every draw with replacement has every run.

    Args:
        runs: R.
        count: B.
        seed: Of the draws; those of a seed are the same, so that signals are compared in pairs.

    Returns:
        Has shape ``[B, R]``.
    """
    if runs == 0:
        return np.zeros((count, 0))
    generator = np.random.default_rng(seed)
    return generator.multinomial(runs, np.full(runs, 1 / runs), size=count).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a number varies about as much everywhere, so that an interval may be symmetric.

    Attributes:
        forth: From the number to the scale.
        slope: Of that, at the number.
        back: From the scale to the number.
    """

    forth: Callable[[float], float]
    slope: Callable[[float], float]
    back: Callable[[float], float]


PLAIN = Scale(float, lambda _: 1.0, float)
AREAS = Scale(logit, lambda area: 1 / (area * (1 - area)), expit)
CORRELATIONS = Scale(math.atanh, lambda value: 1 / (1 - value**2), math.tanh)


def over_draws(value: float, replicates: Vector, runs: int, scale: Scale) -> Estimate:
    """Student's interval by the deviation of the draws, which are too alike by √((R - 1) / R).

    Args:
        value: Of all runs.
        replicates: Of the draws; NaN in those that cannot have one. Has shape ``[B]``.
        runs: R, those that have a part in it.
        scale: On which the interval is symmetric.
    """
    if math.isnan(value):
        return Estimate(value, why=NOTHING)
    if runs < LEAST_RUNS:
        return Estimate(value, why=f"fewer than {LEAST_RUNS} trainings on a side")
    determined = replicates[np.isfinite(replicates)]
    if not determined.size or np.ptp(determined) < _ROUNDING:
        return Estimate(value, why="the same in every draw")
    deviation = float(np.std(determined)) * math.sqrt(runs / (runs - 1))
    half = student(runs - 1) * deviation * scale.slope(value)
    middle = scale.forth(value)
    return Estimate(value, float(scale.back(middle - half)), float(scale.back(middle + half)))


def rate(events: Vector, trials: Vector) -> Estimate:
    """Events over trials, with Wilson's interval at the number of trials that the runs are worth.

    That is p (1 - p) over the variance between runs, at least the number of runs, at most that of
    trials, with Student's quantile as Korn and Graubard (1998) have it. It is the number of runs
    where fewer than ``LEAST_RUNS`` have an event, or have another thing: of so few the variance
    cannot be told.

    Args:
        events: By run. Has shape ``[R]``.
        trials: Likewise; runs without any are passed over.
    """
    events, trials = events[trials > 0], trials[trials > 0]
    runs, total = len(trials), trials.sum()
    if runs == 0:
        return Estimate(math.nan, why=NOTHING)
    share = float(events.sum() / total)
    if runs == 1:
        return Estimate(share, why="one training")
    return Estimate(share, *_wilson(share, _worth(share, events, trials)))


def _worth(share: float, events: Vector, trials: Vector) -> float:
    runs, total = len(trials), float(trials.sum())
    variance = runs / (runs - 1) * float(((events - share * trials) ** 2).sum()) / total**2
    if min((events > 0).sum(), (events < trials).sum()) < LEAST_RUNS:
        return runs
    if variance == 0:
        return total
    worth = share * (1 - share) / variance * (NORMAL / student(runs - 1)) ** 2
    return min(max(worth, runs), total)


def _wilson(share: float, trials: float) -> tuple[float, float]:
    weight = NORMAL**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * share * (1 - share) + weight**2 / 4) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)
