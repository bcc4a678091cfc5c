"""Who suppresses a class most (Mathematics §5)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.interference import conflicting, relative_matrix
from interference_service.core.metrics._metric import IndexMetric
from interference_service.core.scope import Scope


def main_suppressor(scope: Scope) -> NDArray[np.int64]:
    """The d with the largest S_cd (Mathematics §5).

    −1 where nothing suppresses or c is undetermined. Has shape ``[C]``.
    """
    S = np.nan_to_num(relative_matrix(scope, scope.gram.G, conflicting), nan=0.0)
    return np.where(S.max(1) > 0, S.argmax(1), -1)


METRIC = IndexMetric(
    name="main_suppressor",
    unit="class",
    range="[-1, inf)",
    source="Mathematics §5",
    help="Class that suppresses the class most; -1: none does, or it is not known.",
    compute=main_suppressor,
)
