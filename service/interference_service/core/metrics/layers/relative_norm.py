"""How strongly a class pulls at a layer, for the size of the layer (Mathematics §6)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.norms import corrected_norms_of_layers
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def relative_norm(_: Scope, layers: Sequence[Scope], parameter_norms: Array) -> Array:
    """‖g_c^l‖ / ‖θ^l‖; NaN for a layer of zeros. Has shape ``[L, C]``."""
    θ = np.where(parameter_norms > 0, parameter_norms, np.nan)
    return np.asarray(corrected_norms_of_layers(layers) / θ[:, None])


METRIC = LayerClassMetric(
    name="relative_norm",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §6",
    help="Norm of the class's gradient in the layer over the norm of the layer's parameters.",
    compute=relative_norm,
)
