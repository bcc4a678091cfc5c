"""How many minorities training unlearns (Mathematics §7)."""

from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics._values import SharedFindings, Summary


def unlearned_minorities(found: SharedFindings) -> Summary:
    """Judged minorities whose simultaneous upper bound of r_c is below 0 (Mathematics §7)."""
    return Summary.count(int(found.unlearned.sum()))


METRIC = SummaryMetric(
    name="unlearned_minorities",
    unit="classes",
    range="[0, inf)",
    source="Mathematics §7",
    help="Minorities whose descent rate is below 0, with bounds that hold for all of them at once.",
    compute=unlearned_minorities,
)
