"""Metrics of every layer, in the order of results."""

from interference_service.core.metrics._metric import LayerClassMetric, LayerMetric
from interference_service.core.metrics.layers import (
    conflicting_pairs,
    flow,
    gradient_norm,
    majority_to_minority_norm_ratio,
    plain_gradient_norm,
    progress,
    relative_norm,
    share_of_update,
    suppression,
)

LAYER_METRICS: tuple[LayerMetric, ...] = (
    conflicting_pairs.METRIC,
    majority_to_minority_norm_ratio.METRIC,
)

LAYER_CLASS_METRICS: tuple[LayerClassMetric, ...] = (
    gradient_norm.METRIC,
    plain_gradient_norm.METRIC,
    relative_norm.METRIC,
    share_of_update.METRIC,
    flow.METRIC,
    suppression.METRIC,
    progress.METRIC,
)
