"""Norms of the class gradients, and what each class weighs in the update (Mathematics §6)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.jackknife import Uncertainty, combined, fold_variance
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def corrected_norms(scope: Scope) -> Array:
    """√U_c; NaN below the noise floor (Mathematics §6). Has shape ``[C]``."""
    return np.sqrt(np.where(scope.defined, scope.gram.U, np.nan))


def squared_norm_uncertainty(scope: Scope) -> Uncertainty:
    """How U_c varies by the rows (Mathematics §4). Has shape ``[C]``."""
    within = scope.interactions.within
    first_order = np.maximum(squared_norm_jackknife(scope) - 2 * within, 0.0)
    return combined(
        Uncertainty(first_order, scope.loo.degrees_of_freedom),
        Uncertainty(within, scope.interactions.within_freedom),
    )


def squared_norm_jackknife(scope: Scope) -> Array:
    """Variance of U_c as its folds show it (Mathematics §4).

    NaN for fewer than three folds. Has shape ``[C]``.
    """
    return fold_variance(scope.gram.U[:, None] - scope.loo.U, scope.loo.n)


def plain_norms(scope: Scope) -> Array:
    """‖ĝ_c‖, which holds the sampling noise (Mathematics §6).

    NaN for a class without rows. Has shape ``[C]``.
    """
    return np.sqrt(scope.gram.plain_squared_norms)


def positive_root(U: Array) -> Array:
    """√max(0, U), and 0 for NaN (Mathematics §6). Has the shape of U."""
    return np.sqrt(np.fmax(U, 0.0))


def weighted_norms(scope: Scope) -> Array:
    """π_d √max(0, U_d): what a class counts with, also below the noise floor (Mathematics §6).

    Has shape ``[C]``.
    """
    return np.asarray(scope.setting.priors * positive_root(scope.gram.U))


def shares_of_update(scope: Scope) -> Array:
    """π_c ‖g_c‖ / Σ_d π_d ‖g_d‖; NaN below the noise floor (Mathematics §6). Has shape ``[C]``."""
    weighted = weighted_norms(scope)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scope.defined, weighted / weighted.sum(), np.nan)
