"""Tests: the noise floor, false discoveries, and bounds for many classes at once (Mathematics §§3, 4, 7)."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from interference_service.core.gram import Gram
from interference_service.core.jackknife import LeaveOneOut, fold_variance
from interference_service.core.replicates import SketchError, replicate_variance

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NOISE_LEVEL = 0.05
"""Level of the test against the noise floor."""
WEAK_DISTANCE = 4.0
"""Standard errors above zero below which a squared norm makes cosines lean by more than 0.01."""
FALSE_DISCOVERY_RATE = 0.05
"""Expected share of false ones among the pairs that are called conflicting."""


def distance_from_noise(gram: Gram, loo: LeaveOneOut, sketch: SketchError) -> Array:
    """U_c over its standard error; NaN for fewer than three folds, or for 0 / 0 (Mathematics §3).

    The standard error is the jackknife's, too large by up to √2 where noise is all there is: a
    class that just reaches the floor would have a norm that is mostly luck. Has shape ``[C]``.
    """
    variance = fold_variance(gram.U[:, None] - loo.U, loo.n) + replicate_variance(sketch.of_norms)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(gram.U / np.sqrt(variance))


def above_noise_floor(distance: Array, loo: LeaveOneOut) -> Mask:
    """Classes whose squared norm is significantly above zero, one-sided (Mathematics §3).

    A class of fewer than three folds cannot be tested, and is not above.

    Args:
        distance: U_c over its standard error. Has shape ``[C]``.
        loo: Delete-one-fold values.
    """
    return np.asarray(special.stdtr(loo.degrees_of_freedom, -distance) < NOISE_LEVEL)


def benjamini_hochberg(p: Array, rate: float = FALSE_DISCOVERY_RATE) -> Mask:
    """Which hypotheses are rejected while the false discovery rate is held (1995; Mathematics §4).

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
    """Pairs that conflict, over all determined pairs (Mathematics §4).

    Symmetric. Has shape ``[C, C]``.
    """
    upper = np.triu_indices(len(p_values), 1)
    found = np.zeros(p_values.shape, dtype=bool)
    found[upper] = benjamini_hochberg(p_values[upper])
    return found | found.T


def sidak_level(confidence_level: float, count: int) -> float:
    """Level of each of ``count`` intervals that all hold at once (Šidák 1967; Mathematics §7)."""
    return float(confidence_level ** (1 / max(1, count)))
