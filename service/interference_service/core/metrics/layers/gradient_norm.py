"""How strongly a class pulls at a layer (Mathematics §6)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.norms import corrected_norms
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def gradient_norm(_: Scope, layer: Scope, __: float) -> Array:
    """‖g_c^l‖, corrected (Mathematics §6). Has shape ``[C]``."""
    return corrected_norms(layer)


METRIC = LayerClassMetric(
    name="gradient_norm",
    unit="gradient",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the class's mean gradient in the layer, corrected for sampling noise.",
    compute=gradient_norm,
)
