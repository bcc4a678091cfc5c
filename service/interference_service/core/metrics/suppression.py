"""Suppression and support (Mathematics §5)."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.core.interference import (
    Part,
    conflicting,
    everything,
    relative_matrix,
    relative_sum,
    supporting,
)
from interference_service.core.metrics._metric import ClassMetric, Column, LayerMetric, PairMetric
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def suppression_by_class(scope: Scope) -> Array:
    """S_cd = π_d max(0, −G_cd) / (π_c U_c), 0 on the diagonal. Has shape ``[C, C]``."""
    return relative_matrix(scope, scope.gram.G, conflicting)


def main_suppressor(scope: Scope) -> NDArray[np.int64]:
    """The d with the largest S_cd; −1 where nothing suppresses or c is undetermined. ``[C]``."""
    S = np.nan_to_num(suppression_by_class(scope), nan=0.0)
    return np.where(S.max(1) > 0, S.argmax(1), -1)


def _sum(scope: Scope, part: Part, mask: NDArray[np.bool_] | None = None) -> Column:
    value, uncertainty = relative_sum(scope, part, mask)
    return Column(value, *uncertainty.bounds(value, scope.setting.confidence_level))


def suppression(scope: Scope) -> Column:
    """S_c = Σ_{d≠c} S_cd: the part of a class's own progress that conflicting classes cancel."""
    return _sum(scope, conflicting)


def significant_suppression(scope: Scope) -> Column:
    """The part of S_c that comes from significantly conflicting pairs."""
    return _sum(scope, conflicting, scope.cosines.significant)


def support(scope: Scope) -> Column:
    """H_c: the same as S_c with max(0, G_cd), so that ρ_c = 1 + H_c − S_c."""
    return _sum(scope, supporting)


def layer_suppression(shared: Scope, layers: Sequence[Scope], _: Array) -> Array:
    """S_c^l with the layer's inner products and the shared scope's U_c. Has shape ``[L, C]``."""
    return np.stack([relative_matrix(shared, each.gram.G, conflicting).sum(1) for each in layers])


def layer_progress(shared: Scope, layers: Sequence[Scope], _: Array) -> Array:
    """Σ_d π_d G_cd^l / (π_c U_c): over the shared layers they add up to ρ_c. ``[L, C]``."""
    U = np.where(shared.defined, shared.gram.U, np.nan)
    own = np.stack([each.gram.U / U for each in layers])
    others = [relative_matrix(shared, each.gram.G, everything).sum(1) for each in layers]
    return np.asarray(own + np.stack(others))


def _class_ratio(name: str, help_text: str, compute: Callable[[Scope], Column]) -> ClassMetric:
    return ClassMetric(
        name=name,
        axes="class",
        unit="ratio",
        range="[0, inf)",
        source="Mathematics §5",
        help=help_text,
        compute=compute,
    )


SUPPRESSION = _class_ratio(
    "suppression",
    "Part of the class's own progress that conflicting classes cancel; 0: none, 1: all of it.",
    suppression,
)
SIGNIFICANT_SUPPRESSION = _class_ratio(
    "significant_suppression",
    "Part of the suppression that comes from significantly conflicting pairs.",
    significant_suppression,
)
SUPPORT = _class_ratio(
    "support",
    "Progress that classes with agreeing gradients add, over the class's own.",
    support,
)
SUPPRESSION_BY_CLASS = PairMetric(
    name="suppression",
    axes="pair",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §5",
    help="Part of the row class's own progress that the column class cancels.",
    symmetric=False,
    compute=suppression_by_class,
)
LAYER_SUPPRESSION = LayerMetric(
    name="suppression",
    axes="layer_class",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §5",
    help="Suppression of the class that sits in the layer, over its progress in the shared scope.",
    compute=layer_suppression,
)
LAYER_PROGRESS = LayerMetric(
    name="progress",
    axes="layer_class",
    unit="ratio",
    range="(-inf, inf)",
    source="Mathematics §5",
    help="Contribution of the layer to the progress ratio of the class.",
    compute=layer_progress,
)

METRICS = (SUPPRESSION, SIGNIFICANT_SUPPRESSION, SUPPORT)
PAIR_METRICS = (SUPPRESSION_BY_CLASS,)
LAYER_METRICS = (LAYER_SUPPRESSION, LAYER_PROGRESS)
