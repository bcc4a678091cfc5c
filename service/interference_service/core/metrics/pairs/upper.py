"""Upper bounds of the Gradient Conflict Matrix (Mathematics §4)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import PairMetric
from interference_service.core.scope import Scope


def upper(scope: Scope) -> NDArray[np.float64]:
    """Upper bound of M_cd; NaN on the diagonal (Mathematics §4). Has shape ``[C, C]``."""
    return scope.cosines.upper


METRIC = PairMetric(
    name="upper",
    unit="cosine",
    range="(-inf, inf)",
    source="Mathematics §4",
    help="Upper bound of the corrected cosine; a pair conflicts where it is below the level.",
    symmetric=True,
    compute=upper,
)
