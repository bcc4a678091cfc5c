"""How many pairs of classes conflict in a layer (Mathematics §4)."""

from interference_service.core.metrics._metric import LayerMetric
from interference_service.core.pairs import conflicting_pairs as count_of_scope
from interference_service.core.scope import Scope


def conflicting_pairs(layer: Scope) -> float:
    """Pairs that conflict while the layer's false discovery rate is held (Mathematics §4)."""
    return float(count_of_scope(layer))


METRIC = LayerMetric(
    name="conflicting_pairs",
    unit="pairs",
    range="[0, inf)",
    source="Mathematics §4",
    help="Pairs of classes whose gradients conflict in the layer, after control of false "
    "discoveries.",
    compute=conflicting_pairs,
)
