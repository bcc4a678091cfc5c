"""Where along depth a class moves (Mathematics §6)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.norms import corrected_norms
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def flow(shared: Scope, layer: Scope, _: float) -> Array:
    """‖g_c^l‖ over the norm in the shared scope (Mathematics §6). Has shape ``[C]``."""
    return np.asarray(corrected_norms(layer) / corrected_norms(shared))


METRIC = LayerClassMetric(
    name="flow",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the class's gradient in the layer over its norm in the shared scope.",
    compute=flow,
)
