"""Every metric by name: one line each, from which results, documentation and help texts are made."""

from interference_service.core.metrics import conflict, descent, flow, suppression
from interference_service.core.metrics._metric import (
    ClassMetric,
    Column,
    LayerMetric,
    Metric,
    PairMetric,
)
from interference_service.core.metrics.summary import SUMMARY_METRICS

CLASS_METRICS: dict[str, ClassMetric] = {
    each.name: each for each in (*flow.METRICS, *descent.METRICS, *suppression.METRICS)
}
"""Columns of a scope: one number per class."""

PAIR_METRICS: dict[str, PairMetric] = {
    each.name: each for each in (*conflict.PAIR_METRICS, *suppression.PAIR_METRICS)
}
"""Matrices of a scope or layer: one number per pair of classes."""

LAYER_METRICS: dict[str, LayerMetric] = {
    each.name: each for each in (*flow.LAYER_METRICS, *suppression.LAYER_METRICS)
}
"""Matrices of the model: one number per layer and class."""

METRICS: tuple[Metric, ...] = (
    *CLASS_METRICS.values(),
    *PAIR_METRICS.values(),
    *LAYER_METRICS.values(),
    *SUMMARY_METRICS,
)

__all__ = ["CLASS_METRICS", "LAYER_METRICS", "METRICS", "PAIR_METRICS", "Column", "Metric"]
