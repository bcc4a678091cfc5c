"""The minority that is suppressed most (Mathematics §7)."""

from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics._values import SharedFindings, Summary, least_of


def worst_suppression(found: SharedFindings) -> Summary:
    """Largest S_c of the minorities (Mathematics §7)."""
    column = found.columns["suppression"].negated()
    return least_of(column, found.scope.setting.minorities).negated()


METRIC = SummaryMetric(
    name="worst_suppression",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §7",
    help="Largest suppression of a minority; one whose own is undetermined could have any.",
    compute=worst_suppression,
)
