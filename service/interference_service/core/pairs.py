"""The pairs of classes that findings speak of (Mathematics §§4, 7)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.scope import Scope

Mask = NDArray[np.bool_]


def conflicting_pairs(scope: Scope) -> int:
    """How many pairs conflict significantly (Mathematics §7)."""
    return int(np.triu(scope.cosines.significant, 1).sum())


def determined_pairs(scope: Scope) -> int:
    """How many pairs could be tested (Mathematics §7)."""
    above = np.triu_indices(len(scope.setting.priors), 1)
    return int(np.isfinite(scope.cosines.p_value[above]).sum())


def minority_pairs(scope: Scope) -> Mask:
    """Determined pairs of a minority and a majority (Mathematics §7).

    Minorities are rows, majorities columns. Has shape ``[C, C]``.
    """
    minorities, present = scope.setting.minorities, scope.setting.priors > 0
    pairs = np.outer(minorities, ~minorities & present)
    return np.asarray(pairs & np.isfinite(scope.cosines.value))
