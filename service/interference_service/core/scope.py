"""Everything that the metrics of a set of layers are computed from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.folds import FoldLayout
from interference_service.core.gram import (
    Gram,
    conflict_matrix,
    gram_matrix,
    padded,
    plain_conflict_matrix,
)
from interference_service.core.jackknife import (
    LeaveOneOut,
    Uncertainty,
    combined,
    fold_variance,
    leave_one_out,
)
from interference_service.core.significance import above_noise_floor, significant_pairs
from interference_service.core.sufficient_statistics import SufficientStatistics

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Setting:
    """What the data and the request say, the same for every scope.

    Attributes:
        priors: π, shares in the update. Has shape ``[C]``.
        minorities: Which classes are minorities. Has shape ``[C]``.
        conflict_level: A pair conflicts where its cosine is below.
        confidence_level: Of every interval.
    """

    priors: Array
    minorities: Mask
    conflict_level: float = 0.0
    confidence_level: float = 0.95


@dataclass(frozen=True, slots=True)
class Cosines:
    """The Gradient Conflict Matrix of a scope with its uncertainty; all of shape ``[C, C]``.

    Attributes:
        value: Corrected cosines; NaN for classes below the noise floor.
        plain: Cosines of the plain means.
        lower: Lower bounds.
        upper: Upper bounds.
        p_value: One-sided, of "not below the conflict level".
        significant: Pairs that conflict while the false discovery rate is held.
        delta: Value minus value without fold k of class c. Has shape ``[C, K, C]``.
    """

    value: Array
    plain: Array
    lower: Array
    upper: Array
    p_value: Array
    significant: Mask
    delta: Array


@dataclass(frozen=True, slots=True)
class Scope:
    """Estimates of one set of layers.

    Attributes:
        layout: Folds of the classes.
        setting: Priors, minorities and levels.
        gram: Gram matrix of the class gradients.
        loo: Its delete-one-fold values.
        defined: Classes above the noise floor. Has shape ``[C]``.
        cosines: The Gradient Conflict Matrix.
    """

    layout: FoldLayout
    setting: Setting
    gram: Gram
    loo: LeaveOneOut
    defined: Mask
    cosines: Cosines


def scope_of(statistics: SufficientStatistics, setting: Setting) -> Scope:
    """The estimates of a scope from its statistics (Mathematics §§3, 4)."""
    grid, layout = padded(statistics), statistics.layout
    gram = gram_matrix(grid, layout)
    loo = leave_one_out(grid, layout, gram)
    defined = above_noise_floor(gram, loo)
    return Scope(layout, setting, gram, loo, defined, _cosines(gram, loo, defined, setting))


def _cosines(gram: Gram, loo: LeaveOneOut, defined: Mask, setting: Setting) -> Cosines:
    M = conflict_matrix(gram.G, gram.U, defined)
    with np.errstate(invalid="ignore"):
        own = np.sqrt(np.where(loo.U > 0, loo.U, np.nan))
        other = np.sqrt(np.where(defined, gram.U, np.nan))
        delta = M[:, None, :] - loo.G / own[:, :, None] / other[None, None, :]
    delta = np.where((loo.n > 0)[:, :, None], delta, 0.0)
    uncertainty = _of_pairs(fold_variance(delta, loo.n), loo.degrees_of_freedom)
    lower, upper = uncertainty.bounds(M, setting.confidence_level)
    p = uncertainty.p_below(M, setting.conflict_level)
    for matrix in (lower, upper, p):
        # A class agrees with itself by definition, so there is nothing uncertain or to test.
        np.fill_diagonal(matrix, np.nan)
    return Cosines(
        value=M,
        plain=plain_conflict_matrix(gram.G, gram.plain_squared_norms),
        lower=lower,
        upper=upper,
        p_value=p,
        significant=significant_pairs(p),
        delta=delta,
    )


def _of_pairs(variance: Array, degrees_of_freedom: Array) -> Uncertainty:
    """Uncertainty of a pair: what the folds of either class contribute, as they are independent."""
    ν = np.broadcast_to(degrees_of_freedom[:, None], variance.shape)
    return combined(np.stack([variance, variance.T]), np.stack([ν, ν.T]))
