"""Where a class makes its progress (Mathematics §5)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.interference import everything, relative_matrix
from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def progress(shared: Scope, layer: Scope, _: float) -> Array:
    """Σ_d π_d G_cd^l / (π_c U_c) (Mathematics §5).

    Over the shared layers they add up to ρ_c. Has shape ``[C]``.
    """
    own = layer.gram.U / np.where(shared.defined, shared.gram.U, np.nan)
    others = relative_matrix(shared, layer.gram.G, everything).sum(1)
    return np.asarray(own + others)


METRIC = LayerClassMetric(
    name="progress",
    unit="ratio",
    range="(-inf, inf)",
    source="Mathematics §5",
    help="Contribution of the layer to the progress ratio of the class.",
    compute=progress,
)
