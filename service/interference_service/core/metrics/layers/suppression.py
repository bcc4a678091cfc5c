"""Where a class is suppressed (Mathematics §5)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.interference import conflicting, relative_matrix
from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def suppression(shared: Scope, layer: Scope, _: float) -> Array:
    """S_c^l with the layer's inner products and the shared scope's U_c (Mathematics §5).

    Has shape ``[C]``.
    """
    return np.asarray(relative_matrix(shared, layer.gram.G, conflicting).sum(1))


METRIC = LayerClassMetric(
    name="suppression",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §5",
    help="Suppression of the class that sits in the layer, over its progress in the shared scope.",
    compute=suppression,
)
