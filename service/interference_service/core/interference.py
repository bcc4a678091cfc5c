"""First-order effect of the other classes on the progress of each (Mathematics §5).

All of descent rate, progress ratio, suppression and support are sums over the other classes of a
function of one inner product, so they share their delete-one-fold values.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from interference_service.core.jackknife import Uncertainty, combined, fold_variance
from interference_service.core.scope import Scope

Array = NDArray[np.float64]
Part: TypeAlias = Callable[[Array], Array]
"""Which part of an inner product counts, entry by entry."""


def everything(G: Array) -> Array:
    """The inner product itself."""
    return G


def conflicting(G: Array) -> Array:
    """max(0, −G): what opposes."""
    return np.maximum(0.0, -G)


def supporting(G: Array) -> Array:
    """max(0, G): what helps."""
    return np.maximum(0.0, G)


def own_progress(scope: Scope) -> Array:
    """π_c U_c: first-order progress of a class by its own rows alone; NaN below the noise floor.

    Has shape ``[C]``.
    """
    progress = scope.setting.priors * np.where(scope.defined, scope.gram.U, np.nan)
    return np.where(progress > 0, progress, np.nan)


def summands(G: Array, priors: Array, part: Part) -> Array:
    """π_d f(G_cd) for d ≠ c, and 0 for d = c and for classes without rows.

    Args:
        G: Inner products; row c, column d. Has shape ``[..., C]`` with rows or folds before.
        priors: π. Has shape ``[C]``.
        part: f.
    """
    return np.where(priors > 0, priors * part(G), 0.0)


def relative_matrix(scope: Scope, G: Array, part: Part) -> Array:
    """π_d f(G_cd) / (π_c U_c) off the diagonal, 0 on it. Has shape ``[C, C]``.

    Args:
        scope: Gives U_c, and so the scale of the class's own progress.
        G: Inner products, of the scope or of one of its layers. Has shape ``[C, C]``.
        part: f.
    """
    matrix = summands(G, scope.setting.priors, part)
    np.fill_diagonal(matrix, 0.0)
    return np.asarray(matrix / own_progress(scope)[:, None])


def relative_sum(
    scope: Scope, part: Part, mask: NDArray[np.bool_] | None = None
) -> tuple[Array, Uncertainty]:
    """Σ_{d≠c} π_d f(G_cd) / (π_c U_c), and how sure it is.

    Args:
        scope: The scope.
        part: f.
        mask: Pairs that count; None: all. Symmetric. Has shape ``[C, C]``.

    Returns:
        Values of shape ``[C]``, NaN below the noise floor, and their uncertainty.
    """
    C, π, loo = len(scope.setting.priors), scope.setting.priors, scope.loo
    counts = ~np.eye(C, dtype=bool) & (True if mask is None else mask)
    full = np.where(counts, summands(scope.gram.G, π, part), 0.0)
    own = own_progress(scope)
    value = full.sum(1) / own
    # Without fold k of class c both the inner products of its row and its own norm change.
    row = np.where(counts[:, None, :], summands(loo.G, π, part), 0.0).sum(2)
    with np.errstate(invalid="ignore", divide="ignore"):
        own_delta = value[:, None] - row / (π[:, None] * loo.U)
    by_others = other_variances(scope, part, counts) / own[:, None] ** 2
    return value, total_uncertainty(own_delta, by_others, scope)


def other_variances(scope: Scope, part: Part, counts: NDArray[np.bool_]) -> Array:
    """Variance of π_d f(G_cd) by the folds of class d. Row c, column d. Has shape ``[C, C]``.

    A class of one row has no folds to leave out. The square of its own summand stands in: one
    draw's unbiased estimate of E[X²], and so of an upper bound of Var X.
    """
    π, loo, G = scope.setting.priors, scope.loo, scope.gram.G
    delta = part(G)[:, None, :] - part(loo.G)
    delta = np.where((loo.n > 0)[:, :, None], delta, 0.0)
    variance = fold_variance(delta, loo.n)
    one_row = scope.layout.rows_used == 1
    variance[one_row] = part(G)[one_row] ** 2
    # Row d, column c of the folds' variance is what class d does to class c.
    by_class = π[None, :] ** 2 * np.where(counts, variance.T, 0.0)
    return np.where(π[None, :] > 0, by_class, 0.0)


def total_uncertainty(own_delta: Array, by_others: Array, scope: Scope) -> Uncertainty:
    """Join what a class's own folds and those of the others contribute.

    Args:
        own_delta: T_c − T_c without fold k of class c. Has shape ``[C, K]``.
        by_others: Variance of T_c by the folds of d, 0 for d = c. Has shape ``[C, C]``.
        scope: The scope.
    """
    loo = scope.loo
    own = fold_variance(np.where(loo.n > 0, own_delta, 0.0), loo.n)
    variances = by_others.T + np.diag(own)
    ν = np.maximum(loo.degrees_of_freedom, 1.0)
    return combined(variances, ν[:, None])
