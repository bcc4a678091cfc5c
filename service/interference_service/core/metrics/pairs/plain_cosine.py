"""The Gradient Conflict Matrix as published (Mathematics §3)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import PairMetric
from interference_service.core.scope import Scope


def plain_cosine(scope: Scope) -> NDArray[np.float64]:
    """cos(ĝ_c, ĝ_d) (Mathematics §3). Has shape ``[C, C]``."""
    return scope.cosines.plain


METRIC = PairMetric(
    name="plain_cosine",
    unit="cosine",
    range="[-1, 1]",
    source="Singhal & Soni 2026",
    help="Cosine of the two mean gradients, as published; pulled to 0 for small classes.",
    symmetric=True,
    compute=plain_cosine,
)
