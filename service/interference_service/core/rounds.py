"""Rounds to a target precision: rows of the next one, or why there is none (Mathematics §8)."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from interference_service.core.interference import progress, progress_variances
from interference_service.core.scope import Scope, Setting

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

ROWS_PER_FOLD = 8
"""Rows of a fold in the first round, of a class that has them. Later rounds only add to a class's
folds, so its first round must fill all of them; with fewer rows than this in each, the intervals
that the next round is chosen by say little.
"""
STEP = 0.7
"""Part of a variance that a round leaves at least. With one half every class would be doubled,
whatever it contributes; with more than this there are more rounds and hardly fewer rows.
"""
LEAST_GROWTH = 1 / 8
"""Of a class that grows at all, so that the rounds are few."""
HOPELESS = 2.0
"""Multiple of the target that the rows used up alone must exceed for a class to be given up; less
could be chance, as a variance from few folds is itself uncertain.
"""
_PRICE_CHANGES = 64


class Outcome(StrEnum):
    """Why sampling ended."""

    SINGLE_ROUND = "single_round"
    TARGET_REACHED = "target_reached"
    DATA_EXHAUSTED = "data_exhausted"
    BUDGET_REACHED = "budget_reached"


@dataclass(frozen=True, slots=True)
class Goal:
    """What the rounds of an analysis are for, and how far they may go (Mathematics §8).

    Attributes:
        target: Half-width wanted of the interval of every judged class's progress ratio.
        judged: The minorities; where there are none, every class with a share. Has shape ``[C]``.
        limits: Most rows of every class, by the data and the budget. Has shape ``[C]``.
        rows_in_data: N_c. Has shape ``[C]``.
    """

    target: float
    judged: Mask
    limits: Integers
    rows_in_data: Integers

    @classmethod
    def of(
        cls, target: float, setting: Setting, limits: Integers, rows_in_data: Integers
    ) -> "Goal":
        """The goal of an analysis.

        Args:
            target: Half-width wanted.
            setting: Says which classes are minorities.
            limits: Most rows of every class. Has shape ``[C]``.
            rows_in_data: N_c. Has shape ``[C]``.
        """
        some = setting.minorities.any()
        judged = setting.minorities if some else setting.priors > 0
        return cls(target, judged, limits, rows_in_data)


@dataclass(frozen=True, slots=True)
class Precision:
    """How sure the progress ratios are.

    Attributes:
        half_widths: Of their pointwise intervals, to the farther bound; not finite where the
            interval is undetermined or without bound. Has shape ``[C]``.
        variances: What the folds of class d contribute to the variance of the progress ratio of
            class c, to first order; NaN where undetermined. Row c, column d. Has shape ``[C, C]``.
    """

    half_widths: Array
    variances: Array


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows a round.

    Attributes:
        rows_used: n_c of the next round, or of the last one. Has shape ``[C]``.
        outcome: Why there is no next round; None where there is one.
    """

    rows_used: Integers
    outcome: Outcome | None


def first_rows(limits: Integers, folds: int) -> Integers:
    """n_c of the first round (Mathematics §8).

    Args:
        limits: Most rows of every class. Has shape ``[C]``.
        folds: K.
    """
    return np.minimum(limits, ROWS_PER_FOLD * folds)


def precision_of(scope: Scope) -> Precision:
    """How sure progress ratios are, and whose rows make them unsure (Mathematics §8).

    Args:
        scope: The shared one.
    """
    ratio = progress(scope)
    lower, upper = ratio.bounds(scope.setting.confidence_level)
    half_widths = np.maximum(upper - ratio.value, ratio.value - lower)
    return Precision(half_widths, progress_variances(scope))


def next_round(rows_used: Integers, goal: Goal, precision: Precision) -> Decision:
    """Add rows where they do most for the classes that miss the target (Mathematics §8).

    Where the interval of a class has no bounds no other class can help, for that is a matter of its
    own rows, which are doubled. A class is given up where the rows that are used up alone keep it
    far from the target. No class is more than doubled, for the variances are themselves uncertain.
    Every round adds to a class that is below its limit, so the rounds end.

    Args:
        rows_used: n_c so far. Has shape ``[C]``.
        goal: What is wanted and allowed.
        precision: After the rows so far.
    """
    missing = goal.judged & ~(precision.half_widths <= goal.target)
    if not missing.any():
        return Decision(rows_used, Outcome.TARGET_REACHED)
    determined = np.isfinite(precision.half_widths)[:, None] & np.isfinite(precision.variances)
    variances = np.where(determined, precision.variances, 0.0)
    room = rows_used < goal.limits
    sought = missing & ~_hopeless(goal.target, room, precision)
    known = sought & (variances > 0).any(1)
    with np.errstate(divide="ignore"):
        kept = np.clip((goal.target / precision.half_widths[known]) ** 2, STEP, 1.0)
    grown = allocation(rows_used, goal.limits, variances[known], kept)
    # Where the variances say nothing that more rows could change, its own are the best guess.
    doubled = sought if (grown == rows_used).all() else sought & ~known
    grown = np.where(doubled, np.minimum(2 * rows_used, goal.limits), grown)
    if (grown > rows_used).any():
        return Decision(grown, None)
    helpful = missing | (variances[missing] > 0).any(0)
    # A class with rows left is not what more rows are missing of.
    cut = ~room & (goal.limits < goal.rows_in_data)
    short = (helpful & cut).any()
    return Decision(rows_used, Outcome.BUDGET_REACHED if short else Outcome.DATA_EXHAUSTED)


def _hopeless(target: float, room: Mask, precision: Precision) -> Mask:
    """Classes that no more rows can bring near the target. Has shape ``[C]``.

    Args:
        target: Half-width wanted.
        room: Classes with rows left. Has shape ``[C]``.
        precision: After the rows so far.
    """
    total = precision.variances.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share_used_up = np.where(room, 0.0, precision.variances).sum(1) / total
        remaining = precision.half_widths * np.sqrt(share_used_up)
    return np.asarray(np.isfinite(remaining) & (remaining > HOPELESS * target))


def allocation(rows_used: Integers, limits: Integers, variances: Array, kept: Array) -> Integers:
    """Fewest rows n'_d with Σ_d V_cd n_d / n'_d ≤ a_c Σ_d V_cd for every c (Mathematics §8).

    For one c these are Neyman's (1934), n'_d ∝ √(V_cd n_d), for several √(Σ_c μ_c V_cd n_d) with a
    price μ_c of what c has too much of; within n_d ≤ n'_d ≤ 2 n_d and the limits. Where these leave
    too little for c, it gets what they leave. A class that grows does so by ``LEAST_GROWTH``.

    Args:
        rows_used: n_d. Has shape ``[C]``.
        limits: Most rows of every class. Has shape ``[C]``.
        variances: V_cd, finite; a row for every c, some of it above 0. Has shape ``[J, C]``.
        kept: a_c, from one half to 1. Has shape ``[J]``.

    Returns:
        n'_d. Has shape ``[C]``.
    """
    least = rows_used.astype(np.float64)
    most = np.minimum(2 * rows_used, limits)
    shares = variances / variances.max(1, keepdims=True, initial=0.0)
    shares /= shares.sum(1, keepdims=True)
    prices = np.full(len(kept), least.sum())
    wanted = least
    for _ in range(_PRICE_CHANGES):
        wanted = np.clip(np.sqrt((prices[:, None] * shares).sum(0) * least), least, most)
        prices = prices * (shares * least / np.maximum(wanted, 1.0)).sum(1) / kept
    whole, at_least = np.rint(wanted), np.ceil(least * (1 + LEAST_GROWTH))
    grown = np.where(whole > least, np.maximum(whole, at_least), least).astype(np.int64)
    return np.minimum(grown, most)
