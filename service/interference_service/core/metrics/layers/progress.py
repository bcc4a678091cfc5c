"""Where a class makes its progress (Mathematics §5)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.core.interference import everything, relative_matrix
from interference_service.core.metrics._metric import LayerClassMetric
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def progress(shared: Scope, layers: Sequence[Scope], _: Array) -> Array:
    """Σ_d π_d G_cd^l / (π_c U_c): over the shared layers they add up to ρ_c. ``[L, C]``."""
    U = np.where(shared.defined, shared.gram.U, np.nan)
    own = np.stack([each.gram.U / U for each in layers])
    others = [relative_matrix(shared, each.gram.G, everything).sum(1) for each in layers]
    return np.asarray(own + np.stack(others))


METRIC = LayerClassMetric(
    name="progress",
    unit="ratio",
    range="(-inf, inf)",
    source="Mathematics §5",
    help="Contribution of the layer to the progress ratio of the class.",
    compute=progress,
)
