"""What part of the update of a layer a class makes (Mathematics §6)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.norms import shares_of_update
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def share_of_update(_: Scope, layers: Sequence[Scope], __: Array) -> Array:
    """π_c ‖g_c^l‖ / Σ_d π_d ‖g_d^l‖. Has shape ``[L, C]``."""
    return np.stack([shares_of_update(each) for each in layers])


METRIC = LayerClassMetric(
    name="share_of_update",
    unit="ratio",
    range="[0, 1]",
    source="Mathematics §6",
    help="The class's part of the sum of all classes' weighted gradient norms in the layer.",
    compute=share_of_update,
)
