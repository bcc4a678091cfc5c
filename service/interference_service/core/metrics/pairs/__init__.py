"""Metrics of every pair of classes, in the order of results."""

from interference_service.core.metrics._metric import PairMetric
from interference_service.core.metrics.pairs import (
    cosine,
    gram,
    lower,
    p_value,
    plain_cosine,
    suppression,
    upper,
)

PAIR_METRICS: tuple[PairMetric, ...] = (
    cosine.METRIC,
    plain_cosine.METRIC,
    gram.METRIC,
    lower.METRIC,
    upper.METRIC,
    p_value.METRIC,
    suppression.METRIC,
)
