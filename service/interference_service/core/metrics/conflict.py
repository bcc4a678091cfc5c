"""The Gradient Conflict Matrix and what comes with it (Mathematics §§3, 4)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from interference_service.core.metrics._metric import PairMetric
from interference_service.core.scope import Scope

Array = NDArray[np.float64]


def _pair(
    name: str, help_text: str, compute: Callable[[Scope], Array], **changes: str
) -> PairMetric:
    described = {"unit": "cosine", "range": "[-1, 1]", "source": "Mathematics §3"} | changes
    return PairMetric(
        name=name, axes="pair", help=help_text, symmetric=True, compute=compute, **described
    )


COSINE = _pair(
    "cosine",
    "Cosine of the two class gradients, corrected for sampling noise; below 0 they conflict.",
    lambda scope: scope.cosines.value,
)
PLAIN_COSINE = _pair(
    "plain_cosine",
    "Cosine of the two mean gradients, as published; pulled to 0 for small classes.",
    lambda scope: scope.cosines.plain,
    source="Singhal & Soni 2026",
)
GRAM = _pair(
    "gram",
    "Inner product of the two class gradients, corrected for sampling noise.",
    lambda scope: scope.gram.G,
    unit="squared gradient",
    range="(-inf, inf)",
)
LOWER = _pair(
    "lower",
    "Lower bound of the corrected cosine.",
    lambda scope: scope.cosines.lower,
    range="(-inf, inf)",
    source="Mathematics §4",
)
UPPER = _pair(
    "upper",
    "Upper bound of the corrected cosine; a pair conflicts where it is below the level.",
    lambda scope: scope.cosines.upper,
    range="(-inf, inf)",
    source="Mathematics §4",
)
P_VALUE = _pair(
    "p_value",
    "One-sided p-value of a cosine that is not below the conflict level.",
    lambda scope: scope.cosines.p_value,
    unit="probability",
    range="[0, 1]",
    source="Mathematics §4",
)

PAIR_METRICS = (COSINE, PLAIN_COSINE, GRAM, LOWER, UPPER, P_VALUE)
