"""How surely two classes conflict (Mathematics §4)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import PairMetric
from interference_service.core.scope import Scope


def p_value(scope: Scope) -> NDArray[np.float64]:
    """P-value of "M_cd is not below the conflict level"; NaN on the diagonal (Mathematics §4).

    Has shape ``[C, C]``.
    """
    return scope.cosines.p_value


METRIC = PairMetric(
    name="p_value",
    unit="probability",
    range="[0, 1]",
    source="Mathematics §4",
    help="One-sided p-value of a cosine that is not below the conflict level.",
    symmetric=True,
    compute=p_value,
)
