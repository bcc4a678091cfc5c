"""Lower bounds of the Gradient Conflict Matrix (Mathematics §4)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import PairMetric
from interference_service.core.scope import Scope


def lower(scope: Scope) -> NDArray[np.float64]:
    """Lower bound of M_cd; NaN on the diagonal (Mathematics §4). Has shape ``[C, C]``."""
    return scope.cosines.lower


METRIC = PairMetric(
    name="lower",
    unit="cosine",
    range="(-inf, inf)",
    source="Mathematics §4",
    help="Lower bound of the corrected cosine.",
    symmetric=True,
    compute=lower,
)
