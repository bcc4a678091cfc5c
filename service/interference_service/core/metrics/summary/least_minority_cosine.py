"""The worst pair of a minority and a majority (Mathematics §7)."""

import numpy as np

from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics._values import SharedFindings, Summary
from interference_service.core.pairs import minority_pairs


def least_minority_cosine(found: SharedFindings) -> Summary:
    """Least M_cd of a minority and a majority, with its minority (Mathematics §7)."""
    cosines, pairs = found.scope.cosines, minority_pairs(found.scope)
    if not pairs.any():
        return Summary.undetermined()
    M = np.where(pairs, cosines.value, np.inf)
    at = np.unravel_index(M.argmin(), M.shape)
    return Summary(
        float(cosines.value[at]), float(cosines.lower[at]), float(cosines.upper[at]), int(at[0])
    )


METRIC = SummaryMetric(
    name="least_minority_cosine",
    unit="cosine",
    range="[-1, 1]",
    source="Mathematics §7",
    help="Least corrected cosine of a minority with a majority.",
    compute=least_minority_cosine,
)
