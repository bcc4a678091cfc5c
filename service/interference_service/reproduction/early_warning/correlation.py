"""Whether a signal ranks rows as a later number does: Spearman's correlation."""

import numpy as np
from numpy.typing import NDArray

from interference_service.reproduction.early_warning.estimates import (
    CORRELATIONS,
    PLAIN,
    Estimate,
    over_draws,
)

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Integers = NDArray[np.int64]

_AT_A_TIME = 1 << 22
"""Numbers that are held of the draws."""


def rank_correlation(one: Vector, other: Vector, run: Integers, draws: Matrix) -> Estimate:
    """Spearman's correlation, ties at their middle rank, with its interval.

    Args:
        one: Has shape ``[n]``.
        other: Has shape ``[n]``.
        run: Which run a row is of. Has shape ``[n]``.
        draws: How often a draw has a run. Has shape ``[B, R]``.
    """
    value, replicates = _with_replicates(one, other, run, draws)
    return over_draws(value, replicates, len(np.unique(run)), CORRELATIONS)


def correlation_difference(
    one: Vector, reference: Vector, other: Vector, run: Integers, draws: Matrix
) -> Estimate:
    """How much higher one signal's correlation is than that of a reference, over the same rows.

    Args:
        one: Has shape ``[n]``.
        reference: Has shape ``[n]``.
        other: What both are to rank. Has shape ``[n]``.
        run: Which run a row is of. Has shape ``[n]``.
        draws: How often a draw has a run. Has shape ``[B, R]``.
    """
    ours, our_replicates = _with_replicates(one, other, run, draws)
    theirs, their_replicates = _with_replicates(reference, other, run, draws)
    replicates = our_replicates - their_replicates
    return over_draws(ours - theirs, replicates, len(np.unique(run)), PLAIN)


def _with_replicates(
    one: Vector, other: Vector, run: Integers, draws: Matrix
) -> tuple[float, Vector]:
    """The correlation, and that of every draw."""
    everything = np.ones((1, draws.shape[1]))
    value = float(correlations(one, other, run, everything)[0])
    step = max(1, _AT_A_TIME // max(1, len(run)))
    replicates = [
        correlations(one, other, run, draws[first : first + step])
        for first in range(0, len(draws), step)
    ]
    return value, np.concatenate(replicates)


def correlations(one: Vector, other: Vector, run: Integers, draws: Matrix) -> Vector:
    """Spearman's correlation of every draw; NaN where it has fewer than two different values.

    A draw that has a run twice has its rows twice, and they tie.

    Returns:
        Has shape ``[B]``.
    """
    weights = draws[:, run]
    x, y = (_centred_ranks(each, run, draws, weights) for each in (one, other))
    spread = np.sqrt((weights * x**2).sum(axis=1) * (weights * y**2).sum(axis=1))
    shared = (weights * x * y).sum(axis=1)
    found = np.full(len(draws), np.nan)
    return np.asarray(np.divide(shared, spread, out=found, where=spread > 0))


def _centred_ranks(values: Vector, run: Integers, draws: Matrix, weights: Matrix) -> Matrix:
    """Middle ranks less their mean. Has shape ``[B, n]``."""
    different, place = np.unique(values, return_inverse=True)
    # How often a run has a value: draws need not look at rows for their ranks.
    often = np.zeros((draws.shape[1], len(different)))
    np.add.at(often, (run, place), 1)
    tied = draws @ often
    middle = np.cumsum(tied, axis=1) - tied / 2
    return np.asarray((middle - weights.sum(axis=1, keepdims=True) / 2)[:, place])
