"""What significantly conflicting classes cancel (Mathematics §5)."""

from interference_service.core.interference import conflicting, relative_sum
from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.scope import Scope


def significant_suppression(scope: Scope) -> Column:
    """The part of S_c that comes from significantly conflicting pairs (Mathematics §5)."""
    return Column.of_ratio(
        relative_sum(scope, conflicting, scope.cosines.significant), scope.setting.confidence_level
    )


METRIC = ClassMetric(
    name="significant_suppression",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §5",
    help="Part of the suppression that comes from significantly conflicting pairs.",
    compute=significant_suppression,
)
