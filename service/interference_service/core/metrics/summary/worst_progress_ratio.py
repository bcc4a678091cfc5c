"""The minority that training helps least (Mathematics §7)."""

import numpy as np

from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics._values import Column, SharedFindings, Summary, least_of


def worst_progress_ratio(found: SharedFindings) -> Summary:
    """Least ρ_c of the minorities, with bounds that hold for all of them at once (Mathematics §7).

    Where the norm of a class is not known, but its descent rate is surely below 0, so is its ratio.
    """
    column = found.columns["progress_ratio_simultaneous"]
    assert column.upper is not None  # noqa: S101 - the metric has bounds
    surely_below = found.unlearned & np.isnan(column.upper)
    upper = np.where(surely_below, np.nextafter(0.0, -1.0), column.upper)
    return least_of(Column(column.values, column.lower, upper), found.scope.setting.minorities)


METRIC = SummaryMetric(
    name="worst_progress_ratio",
    unit="ratio",
    range="(-inf, inf)",
    source="Mathematics §7",
    help="Least progress ratio of a minority, with bounds that hold for all of them; one whose own "
    "is undetermined could have any.",
    compute=worst_progress_ratio,
)
