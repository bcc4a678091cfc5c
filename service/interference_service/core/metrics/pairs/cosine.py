"""The Gradient Conflict Matrix (Mathematics §3)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import PairMetric
from interference_service.core.scope import Scope


def cosine(scope: Scope) -> NDArray[np.float64]:
    """M_cd = G_cd / √(U_c U_d); NaN for classes below the noise floor (Mathematics §3).

    Has shape ``[C, C]``.
    """
    return scope.cosines.value


METRIC = PairMetric(
    name="cosine",
    unit="cosine",
    range="[-1, 1]",
    source="Mathematics §3",
    help="Cosine of the two class gradients, corrected for sampling noise; below 0 they conflict.",
    symmetric=True,
    compute=cosine,
)
