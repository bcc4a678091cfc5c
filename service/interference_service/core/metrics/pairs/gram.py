"""Inner products of the class gradients (Mathematics §3)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import PairMetric
from interference_service.core.scope import Scope


def gram(scope: Scope) -> NDArray[np.float64]:
    """G_cd, with U on the diagonal (Mathematics §3). Has shape ``[C, C]``."""
    return scope.gram.G


METRIC = PairMetric(
    name="gram",
    unit="squared gradient",
    range="(-inf, inf)",
    source="Mathematics §3",
    help="Inner product of the two class gradients, corrected for sampling noise.",
    symmetric=True,
    compute=gram,
)
