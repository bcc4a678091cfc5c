"""How strongly the rows of a class pull at a layer, noise included (Mathematics §6)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.norms import plain_norms
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def plain_gradient_norm(_: Scope, layer: Scope, __: float) -> Array:
    """‖ĝ_c^l‖ (Mathematics §6). Has shape ``[C]``."""
    return plain_norms(layer)


METRIC = LayerClassMetric(
    name="plain_gradient_norm",
    unit="gradient",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the mean gradient of the class's rows in the layer, noise included.",
    compute=plain_gradient_norm,
)
