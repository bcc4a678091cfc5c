"""What a metric is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from interference_service.core.scope import Scope

Array = NDArray[np.float64]
Axes = Literal["class", "pair", "layer_class", "summary"]


@dataclass(frozen=True, slots=True)
class Column:
    """One number per class. All have shape ``[C]``; bounds are None where the metric has none."""

    values: Array
    lower: Array | None = None
    upper: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A quantity by its name, as results, documentation and monitoring know it.

    Attributes:
        name: Unique among all metrics of the same axes.
        axes: What it has one number of.
        unit: Of the number; "ratio" for shares and quotients.
        range: Where the true value lies.
        source: Section of the mathematics, or paper.
        help: A sentence that says how to read it.
    """

    name: str
    axes: Axes
    unit: str
    range: str
    source: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMetric(Metric):
    """A metric with one number per class of a scope."""

    compute: Callable[[Scope], Column]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMetric(Metric):
    """A metric with one number per ordered pair of classes of a scope. Has shape ``[C, C]``."""

    symmetric: bool
    compute: Callable[[Scope], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMetric(Metric):
    """A metric with one number per layer and class. Has shape ``[L, C]``.

    It is computed from the shared scope, the layers, and the norms of their parameters ``[L]``.
    """

    compute: Callable[[Scope, Sequence[Scope], Array], Array]
