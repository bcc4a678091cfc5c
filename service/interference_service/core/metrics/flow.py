"""Layer-wise gradient flow: norms, and each class's share of the update (Mathematics §6)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.core.jackknife import Uncertainty, combined, fold_variance
from interference_service.core.metrics._metric import ClassMetric, Column, LayerMetric
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def corrected_norms(scope: Scope) -> Array:
    """√U_c; NaN below the noise floor. Has shape ``[C]``."""
    return np.sqrt(np.where(scope.defined, scope.gram.U, np.nan))


def gradient_norm(scope: Scope) -> Column:
    """‖g_c‖ = √U_c with the interval of its own folds."""
    value = corrected_norms(scope)
    with np.errstate(invalid="ignore"):
        delta = value[:, None] - np.sqrt(scope.loo.U)
    delta = np.where(scope.loo.n > 0, delta, 0.0)
    uncertainty = Uncertainty(fold_variance(delta, scope.loo.n), scope.loo.degrees_of_freedom)
    return Column(value, *uncertainty.bounds(value, scope.setting.confidence_level))


def plain_gradient_norm(scope: Scope) -> Column:
    """‖ĝ_c‖, which holds the sampling noise; NaN for a class without rows."""
    return Column(np.sqrt(scope.gram.plain_squared_norms))


def share_of_update(scope: Scope) -> Column:
    """π_c ‖g_c‖ / Σ_d π_d ‖g_d‖.

    A class below the noise floor has no share of its own; in the sum it counts with √max(0, U_d).
    """
    π, loo = scope.setting.priors, scope.loo
    a = π * _positive_root(scope.gram.U)
    total = a.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(scope.defined, a / total, np.nan)
        a_without = π[:, None] * np.where(np.isnan(loo.U), np.nan, _positive_root(loo.U))
        total_without = total - a[:, None] + a_without
        # Row d, fold k, column c: the share of c without fold k of class d.
        share = a[None, None, :] / total_without[:, :, None]
        classes = np.arange(len(π))
        share[classes, :, classes] = a_without / total_without
    delta = np.where((loo.n > 0)[:, :, None], value - share, 0.0)
    variances = fold_variance(delta, loo.n)
    variances[π == 0] = 0.0
    uncertainty = combined(variances, np.maximum(loo.degrees_of_freedom, 1.0)[:, None])
    return Column(value, *uncertainty.bounds(value, scope.setting.confidence_level))


def _positive_root(U: Array) -> Array:
    return np.sqrt(np.fmax(U, 0.0))


def layer_norms(_: Scope, layers: Sequence[Scope], __: Array) -> Array:
    """‖g_c^l‖, corrected. Has shape ``[L, C]``."""
    return np.stack([corrected_norms(each) for each in layers])


def layer_plain_norms(_: Scope, layers: Sequence[Scope], __: Array) -> Array:
    """‖ĝ_c^l‖. Has shape ``[L, C]``."""
    return np.stack([plain_gradient_norm(each).values for each in layers])


def relative_norms(shared: Scope, layers: Sequence[Scope], parameter_norms: Array) -> Array:
    """‖g_c^l‖ / ‖θ^l‖; NaN for a layer of zeros. Has shape ``[L, C]``."""
    θ = np.where(parameter_norms > 0, parameter_norms, np.nan)
    return np.asarray(layer_norms(shared, layers, parameter_norms) / θ[:, None])


def layer_shares(_: Scope, layers: Sequence[Scope], __: Array) -> Array:
    """π_c ‖g_c^l‖ / Σ_d π_d ‖g_d^l‖. Has shape ``[L, C]``."""
    return np.stack([share_of_update(each).values for each in layers])


def flow(shared: Scope, layers: Sequence[Scope], parameter_norms: Array) -> Array:
    """‖g_c^l‖ over the norm in the shared scope: where along depth a class moves. ``[L, C]``."""
    norms = layer_norms(shared, layers, parameter_norms)
    return np.asarray(norms / corrected_norms(shared)[None, :])


def majority_to_minority_ratio(layer: Scope) -> float:
    """Mean corrected norm of the majorities over that of the minorities; NaN if undetermined."""
    norms, π = corrected_norms(layer), layer.setting.priors
    minorities = layer.setting.minorities
    means = [
        norms[mask & ~np.isnan(norms)].mean() if (mask & ~np.isnan(norms)).any() else np.nan
        for mask in (~minorities & (π > 0), minorities)
    ]
    return float(means[0] / means[1])


GRADIENT_NORM = ClassMetric(
    name="gradient_norm",
    axes="class",
    unit="gradient",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the class's mean gradient, corrected for sampling noise.",
    compute=gradient_norm,
)
PLAIN_GRADIENT_NORM = ClassMetric(
    name="plain_gradient_norm",
    axes="class",
    unit="gradient",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the mean gradient of the class's rows, sampling noise included.",
    compute=plain_gradient_norm,
)
SHARE_OF_UPDATE = ClassMetric(
    name="share_of_update",
    axes="class",
    unit="ratio",
    range="[0, 1]",
    source="Mathematics §6",
    help="The class's part of the sum of all classes' weighted gradient norms.",
    compute=share_of_update,
)

METRICS = (GRADIENT_NORM, PLAIN_GRADIENT_NORM, SHARE_OF_UPDATE)
LAYER_METRICS = (
    LayerMetric(
        name="gradient_norm",
        axes="layer_class",
        unit="gradient",
        range="[0, inf)",
        source="Mathematics §6",
        help="Norm of the class's mean gradient in the layer, corrected for sampling noise.",
        compute=layer_norms,
    ),
    LayerMetric(
        name="plain_gradient_norm",
        axes="layer_class",
        unit="gradient",
        range="[0, inf)",
        source="Mathematics §6",
        help="Norm of the mean gradient of the class's rows in the layer, noise included.",
        compute=layer_plain_norms,
    ),
    LayerMetric(
        name="relative_norm",
        axes="layer_class",
        unit="ratio",
        range="[0, inf)",
        source="Mathematics §6",
        help="Norm of the class's gradient in the layer over the norm of the layer's parameters.",
        compute=relative_norms,
    ),
    LayerMetric(
        name="share_of_update",
        axes="layer_class",
        unit="ratio",
        range="[0, 1]",
        source="Mathematics §6",
        help="The class's part of the sum of all classes' weighted gradient norms in the layer.",
        compute=layer_shares,
    ),
    LayerMetric(
        name="flow",
        axes="layer_class",
        unit="ratio",
        range="[0, inf)",
        source="Mathematics §6",
        help="Norm of the class's gradient in the layer over its norm in the shared scope.",
        compute=flow,
    ),
)
