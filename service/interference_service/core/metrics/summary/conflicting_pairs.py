"""How many pairs of classes conflict (Mathematics §7)."""

from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics._values import SharedFindings, Summary
from interference_service.core.pairs import conflicting_pairs as count_of_scope


def conflicting_pairs(found: SharedFindings) -> Summary:
    """Conflicting pairs of the shared scope at the false discovery rate (Mathematics §7)."""
    return Summary.count(count_of_scope(found.scope))


METRIC = SummaryMetric(
    name="conflicting_pairs",
    unit="pairs",
    range="[0, inf)",
    source="Mathematics §7",
    help="Pairs of classes whose gradients conflict, after control of false discoveries.",
    compute=conflicting_pairs,
)
