"""What the other classes leave of a class's own progress (Mathematics §5)."""

from interference_service.core.interference import progress
from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.scope import Scope


def progress_ratio(scope: Scope) -> Column:
    """ρ_c = r_c / (π_c U_c), with pointwise bounds (Mathematics §5)."""
    return Column.of_ratio(progress(scope), scope.setting.confidence_level)


METRIC = ClassMetric(
    name="progress_ratio",
    unit="ratio",
    range="(-inf, inf)",
    source="Mathematics §5",
    help="Progress of the class under the update over its progress by its own rows alone; "
    "1: the others neither help nor hinder, below 0: unlearning.",
    compute=progress_ratio,
)
