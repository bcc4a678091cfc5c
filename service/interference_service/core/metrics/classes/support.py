"""What agreeing classes add to a class's own progress (Mathematics §5)."""

from interference_service.core.interference import relative_sum, supporting
from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.scope import Scope


def support(scope: Scope) -> Column:
    """H_c: the same as S_c with max(0, G_cd), so that ρ_c = 1 + H_c − S_c (Mathematics §5)."""
    return Column.of_ratio(relative_sum(scope, supporting), scope.setting.confidence_level)


METRIC = ClassMetric(
    name="support",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §5",
    help="Progress that classes with agreeing gradients add, over the class's own.",
    compute=support,
)
