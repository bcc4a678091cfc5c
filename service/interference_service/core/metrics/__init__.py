"""Every metric by name: from here results, documentation and help texts are made.

A metric is one module, called like it, and one line in the registry of the package it is in.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from interference_service.core.metrics import classes, layers, pairs, summary
from interference_service.core.metrics._metric import (
    ClassMetric,
    IndexMetric,
    LayerClassMetric,
    LayerMetric,
    Metric,
    PairMetric,
    SummaryMetric,
)
from interference_service.core.metrics._values import Column, SharedFindings, Summary

M = TypeVar("M", bound=Metric)


def _by_name(metrics: Iterable[M]) -> Mapping[str, M]:
    return MappingProxyType({each.name: each for each in metrics})


CLASS_METRICS: Mapping[str, ClassMetric] = _by_name(classes.CLASS_METRICS)
"""Columns of a scope: one number per class."""
INDEX_METRICS: Mapping[str, IndexMetric] = _by_name(classes.INDEX_METRICS)
"""Columns of a scope that name a class for every class."""
PAIR_METRICS: Mapping[str, PairMetric] = _by_name(pairs.PAIR_METRICS)
"""Matrices of a scope or layer: one number per pair of classes."""
LAYER_METRICS: Mapping[str, LayerMetric] = _by_name(layers.LAYER_METRICS)
"""One number per layer."""
LAYER_CLASS_METRICS: Mapping[str, LayerClassMetric] = _by_name(layers.LAYER_CLASS_METRICS)
"""Matrices of the model: one number per layer and class."""
SUMMARY_METRICS: Mapping[str, SummaryMetric] = _by_name(summary.SUMMARY_METRICS)
"""One number for the whole analysis: what an alert or a person looks at first."""

METRICS: tuple[Metric, ...] = (
    *CLASS_METRICS.values(),
    *INDEX_METRICS.values(),
    *PAIR_METRICS.values(),
    *LAYER_METRICS.values(),
    *LAYER_CLASS_METRICS.values(),
    *SUMMARY_METRICS.values(),
)

__all__ = [
    "CLASS_METRICS",
    "INDEX_METRICS",
    "LAYER_CLASS_METRICS",
    "LAYER_METRICS",
    "METRICS",
    "PAIR_METRICS",
    "SUMMARY_METRICS",
    "Column",
    "Metric",
    "SharedFindings",
    "Summary",
]
