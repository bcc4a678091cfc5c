"""From the statistics of every layer to all that is reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from interference_service.core.judgement import judged_classes, unlearned_minorities
from interference_service.core.layers import Layer
from interference_service.core.metrics import (
    CLASS_METRICS,
    INDEX_METRICS,
    LAYER_CLASS_METRICS,
    LAYER_METRICS,
    PAIR_METRICS,
    SUMMARY_METRICS,
    Column,
    SharedFindings,
    Summary,
)
from interference_service.core.replicates import ReplicatedStatistics
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import SufficientStatistics
from interference_service.errors import InputUnsupported

Array = NDArray[np.float64]
S = TypeVar("S", SufficientStatistics, ReplicatedStatistics)

SHARED = "shared"
"""All layers but the class head."""
ALL = "all"
"""All layers."""
MOST_PAIRS = 200
FEW_ROWS = 32
"""Rows below which the few that matter, where a network errs on few, may all be missing."""


@dataclass(frozen=True, slots=True)
class ScopeFindings:
    """Numbers of a set of layers.

    Attributes:
        id: "shared", "all", or the name of a layer.
        columns: One number per class, by metric.
        main_suppressor: Class that suppresses most; −1 if none. Has shape ``[C]``.
        pairs: One number per pair, by metric. Each has shape ``[C, C]``.
    """

    id: str
    columns: Mapping[str, Column]
    main_suppressor: NDArray[np.int64]
    pairs: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class LayerFindings:
    """Numbers of one layer.

    Attributes:
        name: Of the layer.
        pairs: One number per pair, by metric. Each has shape ``[C, C]``.
        numbers: One number each, by metric.
        by_class: One number per class, by metric. Each has shape ``[C]``.
    """

    name: str
    pairs: Mapping[str, Array]
    numbers: Mapping[str, float]
    by_class: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class ConflictingPair:
    """Two classes of the shared scope, by index."""

    row: int
    column: int
    cosine: float
    lower: float
    upper: float
    p_value: float
    significant: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that is reported.

    Attributes:
        flags: What stands against reading a class's numbers, for every class.
        judged: Classes whose descent rate has an interval. Has shape ``[C]``.
        unlearned: Minorities found to be unlearned. Has shape ``[C]``.
        scopes: "shared" and "all".
        layers: In the model's order.
        layer_metrics: One number per layer and class, by metric. Each has shape ``[L, C]``.
        summary: One number for the whole analysis, by metric.
        top_conflicts: The least cosines of the shared scope, least first.
    """

    flags: tuple[tuple[str, ...], ...]
    judged: NDArray[np.bool_]
    unlearned: NDArray[np.bool_]
    scopes: tuple[ScopeFindings, ...]
    layers: tuple[LayerFindings, ...]
    layer_metrics: Mapping[str, Array]
    summary: Mapping[str, Summary]
    top_conflicts: tuple[ConflictingPair, ...]


def analyse(
    statistics: Sequence[S],
    layers: Sequence[Layer],
    setting: Setting,
    parameter_norms: Array,
) -> Findings:
    """Say what the statistics of every layer mean (Mathematics §§3-7).

    Args:
        statistics: Of every layer, exact or sketched.
        layers: The layers, in the same order. Has length L.
        setting: Priors, minorities and levels.
        parameter_norms: ‖θ^l‖. Has shape ``[L]``.

    Raises:
        InputUnsupported: Every layer is the class head, so the classes share nothing.
    """
    shared = scope_of(shared_statistics(statistics, layers), setting)
    has_head = any(layer.head for layer in layers)
    everything = scope_of(reduce(add, statistics), setting) if has_head else shared
    # One layer after the other, for with many classes the estimates of a layer are large.
    of_layers = [
        layer_findings(shared, each, layer.name, float(θ))
        for each, layer, θ in zip(statistics, layers, parameter_norms, strict=True)
    ]
    return findings_of(shared, everything, of_layers)


def findings_of(shared: Scope, everything: Scope, layers: Sequence[LayerFindings]) -> Findings:
    """Say what the scopes mean, beside what was found in the layers (Mathematics §§3-7).

    Args:
        shared: All layers but the class head.
        everything: All layers.
        layers: In the model's order.
    """
    columns = {name: metric.compute(shared) for name, metric in CLASS_METRICS.items()}
    judged, unlearned = judged_classes(shared), unlearned_minorities(shared)
    found = SharedFindings(shared, columns, judged, unlearned)
    return Findings(
        flags=tuple(_flags(shared, c) for c in range(len(shared.setting.priors))),
        judged=judged,
        unlearned=unlearned,
        scopes=(
            _scope(SHARED, shared, columns),
            _scope(ALL, everything, {n: m.compute(everything) for n, m in CLASS_METRICS.items()}),
        ),
        layers=tuple(layers),
        layer_metrics={
            name: np.stack([each.by_class[name] for each in layers]) for name in LAYER_CLASS_METRICS
        },
        summary={name: metric.compute(found) for name, metric in SUMMARY_METRICS.items()},
        top_conflicts=_top_conflicts(shared),
    )


def shared_statistics(statistics: Sequence[S], layers: Sequence[Layer]) -> S:
    """Statistics of the layers that all classes use, together (Mathematics §1).

    Args:
        statistics: Of every layer.
        layers: The layers, in the same order.

    Raises:
        InputUnsupported: Every layer is the class head, so the classes share nothing.
    """
    shared = [each for each, layer in zip(statistics, layers, strict=True) if not layer.head]
    if not shared:
        raise InputUnsupported.at(
            "options.head", "leaves no layer that the classes share; name another head, or none"
        )
    return reduce(add, shared)


def _flags(shared: Scope, c: int) -> tuple[str, ...]:
    """What stands against reading the numbers of class c (Mathematics §§3, 4)."""
    rows, folds = int(shared.layout.rows_used[c]), int(shared.layout.folds_of_class[c])
    if rows == 0:
        return ("EMPTY",)
    if rows == 1:
        return ("ONE_ROW",)
    if folds == 2:
        return ("NO_INTERVAL",)
    found = {
        "BELOW_NOISE_FLOOR": not shared.defined[c],
        "WEAK_GRADIENT": shared.weak[c],
        "FEW_ROWS": rows < FEW_ROWS,
    }
    return tuple(flag for flag, stands in found.items() if stands)


def _scope(scope_id: str, scope: Scope, columns: Mapping[str, Column]) -> ScopeFindings:
    main_suppressor = INDEX_METRICS["main_suppressor"].compute(scope)
    return ScopeFindings(scope_id, columns, main_suppressor, _pairs(scope))


def layer_findings(
    shared: Scope,
    statistics: SufficientStatistics | ReplicatedStatistics,
    name: str,
    parameter_norm: float,
) -> LayerFindings:
    """Say what the statistics of one layer mean (Mathematics §§3-6).

    Args:
        shared: All layers but the class head.
        statistics: Of the layer.
        name: Of the layer.
        parameter_norm: ‖θ^l‖.
    """
    scope = scope_of(statistics, shared.setting)
    return LayerFindings(
        name,
        _pairs(scope),
        {name: metric.compute(scope) for name, metric in LAYER_METRICS.items()},
        {
            name: metric.compute(shared, scope, parameter_norm)
            for name, metric in LAYER_CLASS_METRICS.items()
        },
    )


def _pairs(scope: Scope) -> dict[str, Array]:
    return {name: metric.compute(scope) for name, metric in PAIR_METRICS.items()}


def _top_conflicts(shared: Scope) -> tuple[ConflictingPair, ...]:
    cosines = shared.cosines
    rows, columns = np.triu_indices(len(cosines.value), 1)
    values = cosines.value[rows, columns]
    order = np.argsort(values, kind="stable")[: int(np.isfinite(values).sum())][:MOST_PAIRS]
    return tuple(
        ConflictingPair(
            int(r),
            int(c),
            float(cosines.value[r, c]),
            float(cosines.lower[r, c]),
            float(cosines.upper[r, c]),
            float(cosines.p_value[r, c]),
            bool(cosines.significant[r, c]),
        )
        for r, c in zip(rows[order], columns[order], strict=True)
    )
