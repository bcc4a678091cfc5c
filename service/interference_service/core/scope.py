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
from interference_service.core.interactions import Interactions, interactions_of
from interference_service.core.jackknife import (
    LeaveOneOut,
    Uncertainty,
    combined,
    fold_covariance,
    fold_variance,
    leave_one_out,
)
from interference_service.core.products import Products, products_of
from interference_service.core.ratio import Ratio, Variances, difference_variance
from interference_service.core.replicates import (
    ReplicatedStatistics,
    SketchError,
    replicate_covariance,
    replicate_variance,
    sketch_error,
)
from interference_service.core.significance import (
    WEAK_DISTANCE,
    above_noise_floor,
    distance_from_noise,
    significant_pairs,
)
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
    """

    value: Array
    plain: Array
    lower: Array
    upper: Array
    p_value: Array
    significant: Mask


@dataclass(frozen=True, slots=True)
class Scope:
    """Estimates of one set of layers.

    Attributes:
        layout: Folds of the classes.
        setting: Priors, minorities and levels.
        gram: Gram matrix of the class gradients.
        loo: Its delete-one-fold values.
        interactions: What the jackknife of two classes, or of two folds, counts twice.
        sketch: What the sketch does to the Gram matrix.
        products: How sure the inner products are.
        defined: Classes above the noise floor. Has shape ``[C]``.
        weak: Those of them that are so close to it that their cosines lean. Has shape ``[C]``.
        cosines: The Gradient Conflict Matrix.
    """

    layout: FoldLayout
    setting: Setting
    gram: Gram
    loo: LeaveOneOut
    interactions: Interactions
    sketch: SketchError
    products: Products
    defined: Mask
    weak: Mask
    cosines: Cosines


def scope_of(statistics: SufficientStatistics | ReplicatedStatistics, setting: Setting) -> Scope:
    """The estimates of a scope from its statistics (Mathematics §§3, 4, 9)."""
    if isinstance(statistics, SufficientStatistics):
        statistics = ReplicatedStatistics((statistics,))
    mean = statistics.mean()
    grid, layout = padded(mean), mean.layout
    gram = gram_matrix(grid, layout)
    loo = leave_one_out(grid, layout, gram)
    interactions = interactions_of(grid, gram)
    sketch = sketch_error(statistics, gram)
    products = products_of(layout, gram, loo, interactions, sketch)
    distance = distance_from_noise(gram, loo, sketch)
    defined = above_noise_floor(distance, loo)
    weak = defined & (distance < WEAK_DISTANCE)
    cosines = _cosines(gram, loo, interactions, sketch, defined, setting)
    return Scope(layout, setting, gram, loo, interactions, sketch, products, defined, weak, cosines)


def _cosines(
    gram: Gram,
    loo: LeaveOneOut,
    interactions: Interactions,
    sketch: SketchError,
    defined: Mask,
    setting: Setting,
) -> Cosines:
    M = conflict_matrix(gram.G, gram.U, defined)
    norms = np.sqrt(np.where(defined, gram.U, np.nan))
    variances = _CosineVariances.of(gram, loo, sketch, norms)
    at_level = variances.uncertainty(loo, interactions, sketch, setting.conflict_level)
    D = np.outer(norms, norms)
    lower, upper = variances.ratio(gram.G, D, at_level, setting.conflict_level).bounds(
        setting.confidence_level
    )
    p = at_level.p_below(gram.G - setting.conflict_level * D, 0.0)
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
    )


@dataclass(frozen=True, slots=True)
class _CosineVariances:
    """How N = G_cd and D = √(U_c U_d) vary by the folds of class c, and by the sketch.

    Attributes:
        slope: ∂D / ∂U_c. Has shape ``[C, C]``, as all others.
        own: Variance of N, covariance, variance of D, by the folds of the row class.
        sketch: Likewise by the sketch.
    """

    slope: Array
    own: Variances
    sketch: Variances

    @classmethod
    def of(
        cls, gram: Gram, loo: LeaveOneOut, sketch: SketchError, norms: Array
    ) -> "_CosineVariances":
        slope = norms[None, :] / (2 * norms[:, None])
        dN, dU = gram.G[:, None, :] - loo.G, gram.U[:, None] - loo.U
        by_product = fold_covariance(dN, np.broadcast_to(dU[:, :, None], dN.shape), loo.n)
        own = (
            fold_variance(dN, loo.n),
            by_product * slope,
            fold_variance(dU, loo.n)[:, None] * slope**2,
        )
        dN, dU = sketch.deviations, sketch.of_norms
        dD = slope * dU[:, :, None] + slope.T * dU[:, None, :]
        by_sketch = replicate_variance(dN), replicate_covariance(dN, dD), replicate_variance(dD)
        return cls(slope, own, by_sketch)

    def uncertainty(
        self, loo: LeaveOneOut, interactions: Interactions, sketch: SketchError, level: float
    ) -> Uncertainty:
        """How N − level · D varies, with nothing counted twice."""
        within = interactions.within[:, None] * (level * self.slope) ** 2
        own = difference_variance(self.own, level) - interactions.between - 2 * within
        first_order = np.maximum(own, 0.0)
        ν, ν_within = loo.degrees_of_freedom, interactions.within_freedom
        return combined(
            Uncertainty(first_order, ν[:, None]),
            Uncertainty(first_order.T, ν[None, :]),
            Uncertainty(interactions.between, interactions.between_freedom),
            Uncertainty(within, ν_within[:, None]),
            Uncertainty(within.T, ν_within[None, :]),
            Uncertainty(difference_variance(self.sketch, level), sketch.degrees_of_freedom),
        )

    def ratio(self, N: Array, D: Array, at_level: Uncertainty, level: float) -> Ratio:
        """N / D, its variances scaled to what they are at the level."""
        vNN, vND, vDD = (
            own + own.T + sketch for own, sketch in zip(self.own, self.sketch, strict=True)
        )
        scale = at_level.relative_to(difference_variance((vNN, vND, vDD), level))
        return Ratio(N, D, scale * vNN, scale * vND, scale * vDD, at_level.degrees_of_freedom)
