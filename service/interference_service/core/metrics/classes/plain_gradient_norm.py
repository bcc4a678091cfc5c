"""How strongly the rows of a class pull, noise included (Mathematics §6)."""

from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.norms import plain_norms
from interference_service.core.scope import Scope


def plain_gradient_norm(scope: Scope) -> Column:
    """‖ĝ_c‖, which holds the sampling noise; NaN for a class without rows (Mathematics §6)."""
    return Column(plain_norms(scope))


METRIC = ClassMetric(
    name="plain_gradient_norm",
    unit="gradient",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the mean gradient of the class's rows, sampling noise included.",
    compute=plain_gradient_norm,
)
