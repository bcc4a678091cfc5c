"""Noise-corrected Gram matrix of the class gradients (Mathematics §3)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.folds import FoldLayout
from interference_service.core.sufficient_statistics import SufficientStatistics

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gram:
    """Inner products of the class gradients, estimated without bias.

    Attributes:
        G: G_cd, with U on the diagonal; NaN where a class has too few rows. Has shape ``[C, C]``.
        U: Squared norms by products across folds, NaN for fewer than two. Has shape ``[C]``.
        plain_squared_norms: ‖ĝ_c‖², which holds the sampling noise. Has shape ``[C]``.
    """

    G: Matrix
    U: Vector
    plain_squared_norms: Vector


@dataclass(frozen=True, slots=True)
class Padded:
    """Statistics by class and fold, zero where a class has fewer folds.

    Attributes:
        n: n_ck. Has shape ``[C, K]``.
        A: ⟨ĝ_ck, ĝ_d⟩. Has shape ``[C, K, C]``.
        B: ⟨ĝ_ck, ĝ_cm⟩. Has shape ``[C, K, K]``.
        D: ⟨ĝ_ck, ĝ_dk⟩. Has shape ``[C, K, C]``.
    """

    n: Matrix
    A: Matrix
    B: Matrix
    D: Matrix


def padded(statistics: SufficientStatistics) -> Padded:
    """The statistics on a rectangular grid of classes and folds (Mathematics §2)."""
    layout = statistics.layout
    C, K = layout.num_classes, layout.folds
    at = layout.class_of_segment, layout.fold_of_segment
    n, A, B, D = np.zeros((C, K)), np.zeros((C, K, C)), np.zeros((C, K, K)), np.zeros((C, K, C))
    n[at], A[at], B[at], D[at] = layout.counts, statistics.A, statistics.B, statistics.D
    return Padded(n, A, B, D)


def gram_matrix(grid: Padded, layout: FoldLayout) -> Gram:
    """G, U and the plain norms (Mathematics §3).

    G_cd = Σ_k (n_ck / n_c) ⟨ĝ_ck, ĝ_d⟩ for c ≠ d, and
    U_c = Σ_{k≠m} n_ck n_cm ⟨ĝ_ck, ĝ_cm⟩ / Σ_{k≠m} n_ck n_cm.
    """
    n_c = layout.rows_used.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = np.einsum("ck,ckd->cd", grid.n, grid.A) / n_c[:, None]
        U = cross_fold_sum(grid) / cross_fold_weight(grid)
    # Rounding leaves the two triangles apart in the last bits.
    G = (plain + plain.T) / 2
    # And where the rows of a class cancel, a norm can come out below zero by as much.
    plain_squared_norms = np.maximum(np.diagonal(G), 0.0)
    np.fill_diagonal(G, U)
    return Gram(G, U, plain_squared_norms)


def cross_fold_sum(grid: Padded) -> Vector:
    """Σ_{k≠m} n_ck n_cm ⟨ĝ_ck, ĝ_cm⟩ (Mathematics §3). Has shape ``[C]``."""
    everything = np.einsum("ck,ckm,cm->c", grid.n, grid.B, grid.n)
    return np.asarray(everything - np.einsum("ck,ckk->c", grid.n**2, grid.B))


def cross_fold_weight(grid: Padded) -> Vector:
    """Σ_{k≠m} n_ck n_cm; 0 for fewer than two folds (Mathematics §3). Has shape ``[C]``."""
    return np.asarray(grid.n.sum(1) ** 2 - (grid.n**2).sum(1))


def conflict_matrix(G: Matrix, U: Vector, defined: NDArray[np.bool_]) -> Matrix:
    """The noise-corrected Gradient Conflict Matrix (Mathematics §3).

    M_cd = G_cd / √(U_c U_d) and M_cc = 1.

    Args:
        G: Gram matrix. Has shape ``[C, C]``.
        U: Squared norms. Has shape ``[C]``.
        defined: Classes above the noise floor; others are NaN. Has shape ``[C]``.

    Returns:
        The matrix, neither clipped nor filled: values beyond ±1 are noise, and stay. ``[C, C]``.
    """
    norms = np.sqrt(np.where(defined, U, np.nan))
    M = G / norms[:, None] / norms[None, :]
    np.fill_diagonal(M, np.where(defined, 1.0, np.nan))
    return M


def plain_conflict_matrix(G: Matrix, plain_squared_norms: Vector) -> Matrix:
    """cos(ĝ_c, ĝ_d): the Gradient Conflict Matrix of Singhal & Soni 2026 (Mathematics §3).

    A class without rows, or whose gradient is exactly zero, is NaN. Has shape ``[C, C]``.
    """
    norms = np.sqrt(np.where(plain_squared_norms > 0, plain_squared_norms, np.nan))
    M = G / norms[:, None] / norms[None, :]
    np.fill_diagonal(M, np.where(np.isnan(norms), np.nan, 1.0))
    return M
