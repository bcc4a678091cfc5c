"""Which part of the pairs of classes conflicts (Mathematics §7)."""

import numpy as np

from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics._values import SharedFindings, Summary
from interference_service.core.pairs import conflicting_pairs, determined_pairs


def conflicting_pair_share(found: SharedFindings) -> Summary:
    """Significantly conflicting pairs over those that could be tested (Mathematics §7)."""
    determined = determined_pairs(found.scope)
    return Summary.count(conflicting_pairs(found.scope) / determined if determined else np.nan)


METRIC = SummaryMetric(
    name="conflicting_pair_share",
    unit="ratio",
    range="[0, 1]",
    source="Mathematics §7",
    help="Significantly conflicting pairs over the determined ones.",
    compute=conflicting_pair_share,
)
