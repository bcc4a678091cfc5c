"""Which classes can be judged, and which minorities training unlearns (Mathematics §7)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.interference import descent
from interference_service.core.scope import Scope
from interference_service.core.significance import sidak_level

Mask = NDArray[np.bool_]

SIMULTANEOUS_CONFIDENCE = 0.995
"""Least confidence of the bounds that findings rest on.

An upper bound is missed half as often as an interval, so that by the book a minority is falsely
found to be unlearned in 0.25 % of analyses. So far out Student's t is an approximation; measured,
it is less than 1 %.
"""


def judged_classes(scope: Scope) -> Mask:
    """Classes whose descent rate has an interval (Mathematics §7). Has shape ``[C]``."""
    value, uncertainty = descent(scope)
    return np.isfinite(value) & np.isfinite(uncertainty.variance)


def simultaneous_level(scope: Scope) -> float:
    """Level of each interval at which all judged minorities' hold at once (Mathematics §7)."""
    together = max(scope.setting.confidence_level, SIMULTANEOUS_CONFIDENCE)
    return sidak_level(together, int((judged_classes(scope) & scope.setting.minorities).sum()))


def unlearned_minorities(scope: Scope) -> Mask:
    """Judged minorities whose descent rate is below 0 by its simultaneous bound (Mathematics §7).

    Has shape ``[C]``.
    """
    value, uncertainty = descent(scope)
    _, upper = uncertainty.bounds(value, simultaneous_level(scope))
    return np.asarray(judged_classes(scope) & scope.setting.minorities & (upper < 0))
