"""Tests: the noise floor, false discoveries, and bounds for many classes at once (Mathematics §§3, 4, 7)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.gram import Gram
from interference_service.core.jackknife import LeaveOneOut, Uncertainty, fold_variance

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NOISE_LEVEL = 0.05
"""Level of the test against the noise floor."""
FALSE_DISCOVERY_RATE = 0.05
"""Expected share of false ones among the pairs that are called conflicting."""


def above_noise_floor(gram: Gram, loo: LeaveOneOut) -> Mask:
    """Classes whose squared norm is significantly above zero, one-sided (Mathematics §3).

    A class of fewer than three folds cannot be tested, and is not above. Has shape ``[C]``.
    """
    variance = fold_variance(gram.U[:, None] - loo.U, loo.n)
    p = Uncertainty(variance, loo.degrees_of_freedom).p_above(gram.U, 0.0)
    return np.asarray((gram.U > 0) & (p < NOISE_LEVEL))


def benjamini_hochberg(p: Array, rate: float = FALSE_DISCOVERY_RATE) -> Mask:
    """Which hypotheses are rejected while the false discovery rate is held (1995).

    Args:
        p: p-values; NaN is never rejected and does not count. Has shape ``[n]``.
        rate: The rate held.

    Returns:
        Rejections. Has shape ``[n]``.
    """
    finite = np.flatnonzero(~np.isnan(p))
    order = finite[np.argsort(p[finite], kind="stable")]
    passed = np.flatnonzero(p[order] <= rate * np.arange(1, len(order) + 1) / max(1, len(order)))
    rejected = np.zeros(p.shape, dtype=bool)
    if len(passed):
        rejected[order[: passed[-1] + 1]] = True
    return rejected


def significant_pairs(p_values: Array) -> Mask:
    """Pairs that conflict, over all determined pairs. Symmetric. Has shape ``[C, C]``."""
    upper = np.triu_indices(len(p_values), 1)
    found = np.zeros(p_values.shape, dtype=bool)
    found[upper] = benjamini_hochberg(p_values[upper])
    return found | found.T


def sidak_level(confidence_level: float, count: int) -> float:
    """Level of each of ``count`` intervals so that all hold at once (Šidák 1967)."""
    return float(confidence_level ** (1 / max(1, count)))
