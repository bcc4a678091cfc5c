"""The minority that is suppressed most (Mathematics §7)."""

from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics._values import SharedFindings, Summary


def worst_suppression(found: SharedFindings) -> Summary:
    """Largest S_c of the judged minorities."""
    return found.of_worst_minority("suppression", sign=-1.0)


METRIC = SummaryMetric(
    name="worst_suppression",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §7",
    help="Largest suppression of a judged minority.",
    compute=worst_suppression,
)
