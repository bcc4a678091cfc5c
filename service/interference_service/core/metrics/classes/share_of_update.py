"""What part of the update a class makes (Mathematics §6)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.jackknife import Uncertainty, combined, fold_variance
from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.norms import (
    plain_norms,
    positive_root,
    shares_of_update,
    squared_norm_jackknife,
    squared_norm_uncertainty,
    weighted_norms,
)
from interference_service.core.replicates import replicate_variance
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def share_of_update(scope: Scope) -> Column:
    """π_c ‖g_c‖ / Σ_d π_d ‖g_d‖ (Mathematics §6).

    A class below the noise floor has no share of its own; in the sum it counts with √max(0, U_d).
    """
    value, loo = shares_of_update(scope), scope.loo
    delta = np.where((loo.n > 0)[:, :, None], value - _without_folds(scope), 0.0)
    left = squared_norm_uncertainty(scope).relative_to(squared_norm_jackknife(scope))
    variances = left[:, None] * fold_variance(delta, loo.n)
    few = (loo.n > 0).sum(1) < 3
    variances[few] = _stand_ins(scope)[few]
    uncertainty = combined(
        Uncertainty(variances, loo.degrees_of_freedom[:, None]).summed(),
        Uncertainty(_by_sketch(scope), scope.sketch.degrees_of_freedom),
    )
    return Column(value, *uncertainty.bounds(value, scope.setting.confidence_level))


def _without_folds(scope: Scope) -> Array:
    """The share of c without fold k of class d, which says nothing where d has fewer than three.

    Row d, fold k, column c. Has shape ``[C, K, C]``.
    """
    π, loo, a = scope.setting.priors, scope.loo, weighted_norms(scope)
    with np.errstate(invalid="ignore", divide="ignore"):
        a_without = π[:, None] * positive_root(loo.U)
        total_without = a.sum() - a[:, None] + a_without
        share = a[None, None, :] / total_without[:, :, None]
        classes = np.arange(len(π))
        share[classes, :, classes] = a_without / total_without
    return np.asarray(share)


def _by_sketch(scope: Scope) -> Array:
    """Variance that the sketch adds to the shares. Has shape ``[C]``."""
    a = scope.setting.priors * positive_root(scope.gram.U - scope.sketch.of_norms)
    with np.errstate(invalid="ignore", divide="ignore"):
        return replicate_variance(a / a.sum(1, keepdims=True))


def _stand_ins(scope: Scope) -> Array:
    """Squared change of the share of c if class d counted with its plain norm. Row d. ``[C, C]``.

    It stands in for a variance where a class has too few folds to leave one out.
    """
    a, plain = weighted_norms(scope), scope.setting.priors * np.nan_to_num(plain_norms(scope))
    with np.errstate(invalid="ignore", divide="ignore"):
        changed = a[None, :] / (a.sum() - a + plain)[:, None]
    return np.asarray((shares_of_update(scope) - changed) ** 2)


METRIC = ClassMetric(
    name="share_of_update",
    unit="ratio",
    range="[0, 1]",
    source="Mathematics §6",
    help="The class's part of the sum of all classes' weighted gradient norms.",
    compute=share_of_update,
)
