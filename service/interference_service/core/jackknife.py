"""Delete-one-fold jackknife: variances and intervals without touching a gradient (Mathematics §4)."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy import special

from interference_service.core.folds import FoldLayout
from interference_service.core.gram import Gram, Padded, cross_fold_sum, cross_fold_weight

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The Gram matrix without fold k of class c; NaN for too few folds (Mathematics §4).

    Attributes:
        n: n_ck, 0 where there is no such fold. Has shape ``[C, K]``.
        G: Row c of the Gram matrix without that fold; the diagonal says nothing. Has shape ``[C, K, C]``.
        U: Squared norm of class c without that fold. Has shape ``[C, K]``.
    """

    n: Array
    G: Array
    U: Array

    @property
    def degrees_of_freedom(self) -> Array:
        """K_c − 1, at least 1. Has shape ``[C]``."""
        return np.asarray(np.maximum((self.n > 0).sum(1) - 1.0, 1.0))


def leave_one_out(grid: Padded, layout: FoldLayout, gram: Gram) -> LeaveOneOut:
    """Every delete-one-fold value of the Gram matrix (Mathematics §4).

    With the fold's rows gone the others' weights grow: n_c becomes n_c − n_ck, and the pairs of
    folds lose those with k on either side.
    """
    n, n_c = grid.n, layout.rows_used.astype(np.float64)[:, None]
    pairs = np.einsum("ckm,cm->ck", grid.B, n) - np.einsum("ckk->ck", grid.B) * n
    with np.errstate(invalid="ignore", divide="ignore"):
        G = (n_c[:, :, None] * gram.G[:, None, :] - n[:, :, None] * grid.A) / (n_c - n)[:, :, None]
        weight = cross_fold_weight(grid)[:, None] - 2 * n * (n_c - n)
        U = (cross_fold_sum(grid)[:, None] - 2 * n * pairs) / weight
    enough = (n > 0).sum(1)[:, None]
    G = np.where((enough >= 2)[:, :, None], G, np.nan)
    return LeaveOneOut(n, G, np.where(enough >= 3, U, np.nan))


def fold_covariance(first: Array, second: Array, n: Array) -> Array:
    """Covariance of two statistics from the folds of each class (Mathematics §4).

    With h_k = n_c / n_ck and δ_k = T − T_(−k) the pseudo-value is T + (h_k − 1) δ_k, their weighted
    mean T + Σ (1 − 1/h_k) δ_k, and the covariance the mean of the products of their distances over
    h_k − 1 (Busing, Meijer, Van der Leeden 1999). For equal folds and one statistic that is
    ((K−1)/K) Σ (T_(−k) − mean)².

    Args:
        first: T − T_(−k) of the one statistic; of no matter where there is no such fold. Has shape
            ``[C, K, ...]``.
        second: Likewise of the other.
        n: n_ck, 0 where there is no such fold. Has shape ``[C, K]``.

    Returns:
        Covariances; NaN for a class of fewer than two folds. Has shape ``[C, ...]``.
    """
    shape = n.shape + (1,) * (first.ndim - 2)
    there = (n > 0).reshape(shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        h = (n.sum(1, keepdims=True) / n).reshape(shape)

        def distances(delta: Array) -> Array:
            shift = np.where(there, (1 - 1 / h) * delta, 0.0).sum(1, keepdims=True)
            return np.asarray((h - 1) * delta - shift)

        products = distances(first) * distances(second) / (h - 1)
        total = np.where(there, products, 0.0).sum(1)
        folds = there.sum(1)
        return np.asarray(np.where(folds >= 2, total / folds, np.nan))


def fold_variance(delta: Array, n: Array) -> Array:
    """Variance of a statistic: its ``fold_covariance`` with itself (Mathematics §4)."""
    return fold_covariance(delta, delta, n)


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Variance of an estimate, and the degrees of freedom of its interval (Mathematics §4).

    Attributes:
        variance: Has the shape of the estimate.
        degrees_of_freedom: Broadcasts to that shape.
    """

    variance: Array
    degrees_of_freedom: Array | float

    @property
    def welch_term(self) -> Array:
        """V² / ν, which adds up like the variance where contributions are independent."""
        return np.asarray(self.variance**2 / self.degrees_of_freedom)

    def summed(self) -> "Uncertainty":
        """Of the sum over the first axis, along which contributions are independent."""
        return _welch_satterthwaite(self.variance.sum(0), self.welch_term.sum(0))

    def bounds(self, value: Array, confidence_level: float | Array) -> tuple[Array, Array]:
        """Two-sided Student-t bounds around ``value``; NaN where either is undetermined."""
        quantile = special.stdtrit(self.degrees_of_freedom, (1 + np.asarray(confidence_level)) / 2)
        half = quantile * np.sqrt(self.variance)
        return value - half, value + half

    def p_below(self, value: Array, level: float | Array) -> Array:
        """One-sided p-value of "the true value is not below the level"."""
        with np.errstate(invalid="ignore", divide="ignore"):
            t = (value - level) / np.sqrt(self.variance)
        return np.asarray(special.stdtr(self.degrees_of_freedom, t))

    def relative_to(self, jackknife: Array) -> Array:
        """Part of the jackknife's variance that is left once nothing counts twice; 0 for 0 / 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(jackknife == 0, 0.0, self.variance / jackknife))


def combined(*contributions: Uncertainty) -> Uncertainty:
    """Of the sum of independent contributions, whose shapes broadcast (Mathematics §4)."""
    return _welch_satterthwaite(
        reduce(np.add, [each.variance for each in contributions]),
        reduce(np.add, [each.welch_term for each in contributions]),
    )


def _welch_satterthwaite(variance: Array, welch_term: Array) -> Uncertainty:
    """V = Σ V_i with (Σ V_i)² / Σ (V_i² / ν_i) degrees of freedom."""
    with np.errstate(invalid="ignore", divide="ignore"):
        # Where nothing varies any number of degrees gives the same, empty interval.
        ν = np.where(variance > 0, variance**2 / welch_term, np.where(variance == 0, 1.0, np.nan))
    return Uncertainty(variance, ν)
