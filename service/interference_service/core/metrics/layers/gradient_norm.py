"""How strongly a class pulls at a layer (Mathematics §6)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.norms import corrected_norms_of_layers
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def gradient_norm(_: Scope, layers: Sequence[Scope], __: Array) -> Array:
    """‖g_c^l‖, corrected. Has shape ``[L, C]``."""
    return corrected_norms_of_layers(layers)


METRIC = LayerClassMetric(
    name="gradient_norm",
    unit="gradient",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the class's mean gradient in the layer, corrected for sampling noise.",
    compute=gradient_norm,
)
