"""How strongly a class pulls at a layer, for the size of the layer (Mathematics §6)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.norms import corrected_norms
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def relative_norm(_: Scope, layer: Scope, parameter_norm: float) -> Array:
    """‖g_c^l‖ / ‖θ^l‖; NaN for a layer of zeros (Mathematics §6). Has shape ``[C]``."""
    return corrected_norms(layer) / (parameter_norm if parameter_norm > 0 else np.nan)


METRIC = LayerClassMetric(
    name="relative_norm",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the class's gradient in the layer over the norm of the layer's parameters.",
    compute=relative_norm,
)
