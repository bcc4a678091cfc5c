"""The minority that training helps least (Mathematics §7)."""

from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics._values import SharedFindings, Summary


def worst_progress_ratio(found: SharedFindings) -> Summary:
    """Least ρ_c of the judged minorities, with bounds that hold for all of them at once."""
    return found.of_worst_minority("progress_ratio_simultaneous", sign=1.0)


METRIC = SummaryMetric(
    name="worst_progress_ratio",
    unit="ratio",
    range="(-inf, inf)",
    source="Mathematics §7",
    help="Least progress ratio of a judged minority, with bounds that hold for all of them.",
    compute=worst_progress_ratio,
)
