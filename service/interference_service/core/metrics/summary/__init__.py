"""Metrics of the whole analysis, in the order of results."""

from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics.summary import (
    conflicting_pair_share,
    conflicting_pairs,
    least_minority_cosine,
    mean_minority_cosine,
    unlearned_minorities,
    worst_progress_ratio,
    worst_suppression,
)

SUMMARY_METRICS: tuple[SummaryMetric, ...] = (
    mean_minority_cosine.METRIC,
    least_minority_cosine.METRIC,
    conflicting_pairs.METRIC,
    conflicting_pair_share.METRIC,
    worst_progress_ratio.METRIC,
    worst_suppression.METRIC,
    unlearned_minorities.METRIC,
)
