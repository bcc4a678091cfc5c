"""How the minorities stand to the majorities on average (Mathematics §7)."""

import numpy as np
from numpy.typing import NDArray

from interference_service.core.jackknife import Uncertainty, combined, fold_variance
from interference_service.core.metrics._metric import SummaryMetric
from interference_service.core.metrics._values import SharedFindings, Summary
from interference_service.core.pairs import minority_pairs
from interference_service.core.replicates import replicate_variance
from interference_service.core.scope import Scope

Mask = NDArray[np.bool_]


def mean_minority_cosine(found: SharedFindings) -> Summary:
    """Mean of M_cd over the determined pairs of a minority and a majority (Mathematics §7)."""
    scope, pairs = found.scope, minority_pairs(found.scope)
    count = int(pairs.sum())
    if not count:
        return Summary.undetermined()
    value = np.array(scope.cosines.value[pairs].mean())
    uncertainty = _uncertainty(scope, pairs | pairs.T, count)
    lower, upper = uncertainty.bounds(value, scope.setting.confidence_level)
    return Summary(float(value), float(lower), float(upper))


def _uncertainty(scope: Scope, pairs: Mask, count: int) -> Uncertainty:
    """How the mean varies: a fold of class c moves the pairs that c is in, as row or as column.

    Args:
        scope: The scope.
        pairs: Pairs that count, in both orders. Has shape ``[C, C]``.
        count: How many they are.
    """
    loo, interactions, M = scope.loo, scope.interactions, scope.cosines.value
    has_pairs: Mask = np.asarray(pairs.any(1))
    U = np.where(has_pairs, scope.gram.U, np.nan)
    D = np.sqrt(np.outer(U, U))
    # To first order M_cd moves by δG_cd / D_cd and by −M_cd / 2U_c times δU_c.
    by_norm = np.where(pairs, M, 0.0).sum(1) / (2 * U) / count
    dG = scope.gram.G[:, None, :] - loo.G
    moved = np.where(pairs[:, None, :], dG / D[:, None, :], 0.0).sum(2) / count
    delta = moved - by_norm[:, None] * (U[:, None] - loo.U)
    delta = np.where((loo.n > 0) & has_pairs[:, None], delta, 0.0)
    jackknife = np.where(has_pairs, fold_variance(delta, loo.n), 0.0)
    between = np.where(pairs, interactions.between / D**2, 0.0) / count**2
    within = np.where(has_pairs, by_norm**2 * interactions.within, 0.0)
    first_order = np.maximum(jackknife - between.sum(1) - 2 * within, 0.0)
    sketched = np.where(pairs, scope.sketch.deviations / D, 0.0).sum((1, 2)) / (2 * count)
    sketched -= np.where(has_pairs, by_norm * scope.sketch.of_norms, 0.0).sum(1)
    upper = np.triu_indices(len(M), 1)
    return combined(
        Uncertainty(first_order, loo.degrees_of_freedom).summed(),
        Uncertainty(within, interactions.within_freedom).summed(),
        Uncertainty(between[upper], interactions.between_freedom[upper]).summed(),
        Uncertainty(replicate_variance(sketched), scope.sketch.degrees_of_freedom),
    )


METRIC = SummaryMetric(
    name="mean_minority_cosine",
    unit="cosine",
    range="[-1, 1]",
    source="Mathematics §7",
    help="Mean corrected cosine over the pairs of a minority and a majority.",
    compute=mean_minority_cosine,
)
