"""What two sampling errors make together, which the jackknife counts twice (Mathematics §4).

With e_c = ĝ_c − g_c the error of ⟨ĝ_c, ĝ_d⟩ is ⟨e_c, g_d⟩ + ⟨g_c, e_d⟩ + ⟨e_c, e_d⟩ (Hoeffding 1948).
Leaving out folds of c shows the first and the last, leaving out folds of d the second and the last
(Efron & Stein 1981). Where classes are small the last is the largest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.gram import Gram, Padded, cross_fold_weight

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interactions:
    """Variances of the products of two errors; 0 where too few folds tell.

    Attributes:
        between: Of ⟨e_c, e_d⟩, in G_cd; 0 on the diagonal. Has shape ``[C, C]``.
        between_freedom: Its degrees of freedom, at least 1. Has shape ``[C, C]``.
        within: Of the products of the errors of two folds of c, in U_c. Has shape ``[C]``.
        within_freedom: Its degrees of freedom, at least 1. Has shape ``[C]``.
    """

    between: Array
    between_freedom: Array
    within: Array
    within_freedom: Array


def interactions_of(grid: Padded, gram: Gram) -> Interactions:
    """The variances of both kinds, from products of folds (Mathematics §4).

    Args:
        grid: Statistics by class and fold.
        gram: Gram matrix of the same.
    """
    folds = (grid.n > 0).sum(1)
    shared_folds = np.minimum(folds[:, None], folds[None, :])
    return Interactions(
        between=_between(grid, gram),
        between_freedom=np.maximum(shared_folds - 1.0, 1.0),
        within=_within(grid),
        within_freedom=np.maximum(folds * (folds - 3) / 2, 1.0),
    )


def _between(grid: Padded, gram: Gram) -> Array:
    """Σ_k ε_k² / Σ_k (h_ck − 1)(h_dk − 1) with ε_k = ⟨ĝ_ck − ĝ_c, ĝ_dk − ĝ_d⟩ and h_ck = n_c / n_ck.

    The mean of fold k varies as Σ_c / n_ck, its distance from the mean of all folds as
    Σ_c (1/n_ck − 1/n_c), and ⟨e_c, e_d⟩ as tr(Σ_c Σ_d) / (n_c n_d).
    """
    there = (grid.n > 0)[:, :, None] & (grid.n > 0).T[None, :, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = grid.n.sum(1, keepdims=True) / grid.n - 1
        weight = np.where(there, excess[:, :, None] * excess.T[None, :, :], 0.0).sum(1)
    ε = grid.D - grid.A - grid.A.transpose(2, 1, 0) + gram.G[:, None, :]
    squares = (np.where(there, ε, 0.0) ** 2).sum(1)
    variance = np.divide(squares, weight, out=np.zeros_like(squares), where=weight > 0)
    np.fill_diagonal(variance, 0.0)
    return np.asarray((variance + variance.T) / 2)


def _within(grid: Padded) -> Array:
    """2τ / Σ_{k≠m} n_ck n_cm, with τ = tr Σ_c² from what pairs of folds have beyond row and column.

    ⟨ĝ_ck, ĝ_cm⟩ = μ + a_k + a_m + ε_km for k ≠ m, where ε_km varies as τ / (n_ck n_cm); least squares
    leave K_c (K_c − 3) / 2 degrees of freedom.
    """
    folds = (grid.n > 0).sum(1)
    # Folds that a class does not have weigh 0, and so do their products.
    apart = ~np.eye(grid.n.shape[1], dtype=bool)
    B, K = np.where(apart, grid.B, 0.0), np.maximum(folds, 4)[:, None].astype(np.float64)
    μ = B.sum((1, 2))[:, None] / (K * (K - 1))
    a = (B.sum(2) - (K - 1) * μ) / (K - 2)
    ε = np.where(apart, B - μ[:, :, None] - a[:, :, None] - a[:, None, :], 0.0)
    τ = np.einsum("ck,ckm,cm->c", grid.n, ε**2, grid.n) / (K * (K - 3))[:, 0]
    weight = cross_fold_weight(grid)
    return np.asarray(np.divide(2 * τ, weight, out=np.zeros_like(τ), where=folds >= 4))
