"""Where along depth a class moves (Mathematics §6)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.norms import corrected_norms, corrected_norms_of_layers
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def flow(shared: Scope, layers: Sequence[Scope], _: Array) -> Array:
    """‖g_c^l‖ over the norm in the shared scope. Has shape ``[L, C]``."""
    return np.asarray(corrected_norms_of_layers(layers) / corrected_norms(shared)[None, :])


METRIC = LayerClassMetric(
    name="flow",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the class's gradient in the layer over its norm in the shared scope.",
    compute=flow,
)
