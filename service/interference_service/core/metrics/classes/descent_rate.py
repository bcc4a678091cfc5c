"""Whether training lowers the loss of a class (Mathematics §5)."""

from interference_service.core.interference import descent
from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.scope import Scope


def descent_rate(scope: Scope) -> Column:
    """r_c = Σ_d π_d G_cd, with U on the diagonal (Mathematics §5)."""
    value, uncertainty = descent(scope)
    return Column(value, *uncertainty.bounds(value, scope.setting.confidence_level))


METRIC = ClassMetric(
    name="descent_rate",
    unit="squared gradient",
    range="(-inf, inf)",
    source="Mathematics §5; Francazi et al. 2023",
    help="First-order fall of the class's loss under the update; negative: training unlearns it.",
    compute=descent_rate,
)
