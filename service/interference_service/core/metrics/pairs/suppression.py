"""Who suppresses whom (Mathematics §5)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.interference import conflicting, relative_matrix
from interference_service.core.metrics._metric import PairMetric
from interference_service.core.scope import Scope


def suppression(scope: Scope) -> NDArray[np.float64]:
    """S_cd = π_d max(0, −G_cd) / (π_c U_c), 0 on the diagonal (Mathematics §5).

    Has shape ``[C, C]``.
    """
    return relative_matrix(scope, scope.gram.G, conflicting)


METRIC = PairMetric(
    name="suppression",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §5",
    help="Part of the row class's own progress that the column class cancels.",
    symmetric=False,
    compute=suppression,
)
