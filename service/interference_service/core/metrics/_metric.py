"""What a metric is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._values import Column, SharedFindings, Summary
from interference_service.core.scope import Scope

Array = NDArray[np.float64]
Axes = Literal["class", "pair", "layer", "layer_class", "summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A quantity by its name, as results, documentation and monitoring know it.

    Attributes:
        axes: What it has one number of.
        shape: Of its numbers.
        name: Unique among all metrics of the same axes.
        unit: Of the number; "ratio" for shares and quotients.
        range: Where the true value lies.
        source: Section of the mathematics, or paper.
        help: A sentence that says how to read it.
    """

    axes: ClassVar[Axes]
    shape: ClassVar[str]
    name: str
    unit: str
    range: str
    source: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMetric(Metric):
    """A metric with one number per class of a scope."""

    axes: ClassVar[Axes] = "class"
    shape: ClassVar[str] = "[C]"
    compute: Callable[[Scope], Column]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexMetric(Metric):
    """A metric that names another class for every class of a scope, or −1."""

    axes: ClassVar[Axes] = "class"
    shape: ClassVar[str] = "[C]"
    compute: Callable[[Scope], NDArray[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMetric(Metric):
    """A metric with one number per ordered pair of classes of a scope."""

    axes: ClassVar[Axes] = "pair"
    shape: ClassVar[str] = "[C, C]"
    symmetric: bool
    compute: Callable[[Scope], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMetric(Metric):
    """A metric with one number per layer, each computed from that layer alone."""

    axes: ClassVar[Axes] = "layer"
    shape: ClassVar[str] = "[L]"
    compute: Callable[[Scope], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerClassMetric(Metric):
    """A metric with one number per layer and class.

    It is computed one layer at a time, from the shared scope, the layer, and the norm ‖θ^l‖ of the
    layer's parameters. Gives shape ``[C]``.
    """

    axes: ClassVar[Axes] = "layer_class"
    shape: ClassVar[str] = "[L, C]"
    compute: Callable[[Scope, Scope, float], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryMetric(Metric):
    """A metric with one number for the whole analysis."""

    axes: ClassVar[Axes] = "summary"
    shape: ClassVar[str] = "scalar"
    compute: Callable[[SharedFindings], Summary]
