"""The descent rate, judged for many classes at once (Mathematics §7)."""

from interference_service.core.interference import descent
from interference_service.core.judgement import simultaneous_level
from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.scope import Scope


def descent_rate_simultaneous(scope: Scope) -> Column:
    """r_c with bounds that hold for all judged minorities at once (Mathematics §7)."""
    value, uncertainty = descent(scope)
    return Column(value, *uncertainty.bounds(value, simultaneous_level(scope)))


METRIC = ClassMetric(
    name="descent_rate_simultaneous",
    unit="squared gradient",
    range="(-inf, inf)",
    source="Mathematics §7",
    help="Descent rate with bounds that hold for all judged minorities at once; a minority whose "
    "upper bound is below 0 is unlearned.",
    compute=descent_rate_simultaneous,
)
