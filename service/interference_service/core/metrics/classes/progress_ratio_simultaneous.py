"""The progress ratio, judged for many classes at once (Mathematics §7)."""

from interference_service.core.interference import progress
from interference_service.core.judgement import simultaneous_level
from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.scope import Scope


def progress_ratio_simultaneous(scope: Scope) -> Column:
    """ρ_c with bounds that hold for all judged minorities at once (Mathematics §7)."""
    return Column.of_ratio(progress(scope), simultaneous_level(scope))


METRIC = ClassMetric(
    name="progress_ratio_simultaneous",
    unit="ratio",
    range="(-inf, inf)",
    source="Mathematics §7",
    help="Progress ratio with bounds that hold for all judged minorities at once.",
    compute=progress_ratio_simultaneous,
)
