"""What part of the update of a layer a class makes (Mathematics §6)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.norms import shares_of_update
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def share_of_update(_: Scope, layer: Scope, __: float) -> Array:
    """π_c ‖g_c^l‖ / Σ_d π_d ‖g_d^l‖ (Mathematics §6). Has shape ``[C]``."""
    return shares_of_update(layer)


METRIC = LayerClassMetric(
    name="share_of_update",
    unit="ratio",
    range="[0, 1]",
    source="Mathematics §6",
    help="The class's part of the sum of all classes' weighted gradient norms in the layer.",
    compute=share_of_update,
)
