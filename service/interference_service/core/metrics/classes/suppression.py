"""What conflicting classes cancel of a class's own progress (Mathematics §5)."""

from interference_service.core.interference import conflicting, relative_sum
from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.scope import Scope


def suppression(scope: Scope) -> Column:
    """S_c = Σ_{d≠c} π_d max(0, −G_cd) / (π_c U_c), with bounds (Mathematics §5)."""
    return Column.of_ratio(relative_sum(scope, conflicting), scope.setting.confidence_level)


METRIC = ClassMetric(
    name="suppression",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §5",
    help="Part of the class's own progress that conflicting classes cancel; 0: none, 1: all of it.",
    compute=suppression,
)
