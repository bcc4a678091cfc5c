"""How strongly a class pulls (Mathematics §6)."""

import numpy as np

from interference_service.core.jackknife import Uncertainty, combined
from interference_service.core.metrics._metric import ClassMetric
from interference_service.core.metrics._values import Column
from interference_service.core.norms import corrected_norms, squared_norm_uncertainty
from interference_service.core.replicates import replicate_variance
from interference_service.core.scope import Scope


def gradient_norm(scope: Scope) -> Column:
    """‖g_c‖ = √U_c, between the roots of the bounds of U_c (Mathematics §§4, 6).

    A norm has no value below 0.
    """
    value, sketch = corrected_norms(scope), scope.sketch
    by_sketch = Uncertainty(replicate_variance(sketch.of_norms), sketch.degrees_of_freedom)
    uncertainty = combined(squared_norm_uncertainty(scope), by_sketch)
    bounds = uncertainty.bounds(value**2, scope.setting.confidence_level)
    lower, upper = (np.sqrt(np.maximum(each, 0.0)) for each in bounds)
    return Column(value, np.minimum(lower, value), np.maximum(upper, value))


METRIC = ClassMetric(
    name="gradient_norm",
    unit="gradient",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the class's mean gradient, corrected for sampling noise.",
    compute=gradient_norm,
)
