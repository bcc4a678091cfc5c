"""How sure the inner products of two classes are (Mathematics §4)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.folds import FoldLayout
from interference_service.core.gram import Gram
from interference_service.core.interactions import Interactions
from interference_service.core.jackknife import LeaveOneOut, Uncertainty, combined, fold_variance
from interference_service.core.replicates import SketchError, replicate_variance

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SIGN_CONFIDENCE = 0.95
"""Of the interval of an inner product that leaves no doubt about its sign."""


@dataclass(frozen=True, slots=True)
class Products:
    """What is known of G_cd for c ≠ d.

    Attributes:
        by_row: Variance of G_cd that the folds of c show. Row c. Has shape ``[C, C]``.
        doubtful: Pairs whose sign is not known, for 0 is within the interval. Has shape
            ``[C, C]``.
    """

    by_row: Array
    doubtful: Mask


def products_of(
    layout: FoldLayout,
    gram: Gram,
    loo: LeaveOneOut,
    interactions: Interactions,
    sketch: SketchError,
) -> Products:
    """Variances of the inner products, and whether their signs are in doubt (Mathematics §4).

    A class of one row has no folds to leave out. The square of the product stands in: one draw's
    unbiased estimate of E[X²], and so of an upper bound of Var X.
    """
    by_row = fold_variance(gram.G[:, None, :] - loo.G, loo.n)
    one_row = layout.rows_used == 1
    by_row[one_row] = gram.G[one_row] ** 2
    first_order = np.maximum(by_row - interactions.between, 0.0)
    ν = loo.degrees_of_freedom
    uncertainty = combined(
        Uncertainty(first_order, ν[:, None]),
        Uncertainty(first_order.T, ν[None, :]),
        Uncertainty(interactions.between, interactions.between_freedom),
        Uncertainty(replicate_variance(sketch.deviations), sketch.degrees_of_freedom),
    )
    lower, upper = uncertainty.bounds(gram.G, SIGN_CONFIDENCE)
    return Products(by_row, ~((lower >= 0) | (upper <= 0)))
