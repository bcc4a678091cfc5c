"""Metrics of every class, in the order of results."""

from interference_service.core.metrics._metric import ClassMetric, IndexMetric
from interference_service.core.metrics.classes import (
    descent_rate,
    descent_rate_simultaneous,
    gradient_norm,
    main_suppressor,
    plain_gradient_norm,
    progress_ratio,
    progress_ratio_simultaneous,
    share_of_update,
    significant_suppression,
    support,
    suppression,
)

CLASS_METRICS: tuple[ClassMetric, ...] = (
    gradient_norm.METRIC,
    plain_gradient_norm.METRIC,
    share_of_update.METRIC,
    descent_rate.METRIC,
    descent_rate_simultaneous.METRIC,
    progress_ratio.METRIC,
    progress_ratio_simultaneous.METRIC,
    suppression.METRIC,
    significant_suppression.METRIC,
    support.METRIC,
)

INDEX_METRICS: tuple[IndexMetric, ...] = (main_suppressor.METRIC,)
