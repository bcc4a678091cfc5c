"""One line a number: what an alert or a person looks at first (Mathematics §7)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.jackknife import combined, fold_variance
from interference_service.core.metrics._metric import Column, Metric
from interference_service.core.scope import Scope

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Summary:
    """A number of the whole analysis; bounds are the value for a count, NaN where undetermined.

    Attributes:
        name: Of the metric.
        value: The number.
        lower: Lower bound.
        upper: Upper bound.
        class_index: The class it comes from, if from one; else −1.
    """

    name: str
    value: float
    lower: float
    upper: float
    class_index: int = -1


def summary(
    shared: Scope, judged: Mask, unlearned: Mask, progress: Column, suppression: Column
) -> tuple[Summary, ...]:
    """Every summary of the shared scope.

    Args:
        shared: The shared scope.
        judged: Classes whose progress ratio has an interval. Has shape ``[C]``.
        unlearned: Minorities found to be unlearned. Has shape ``[C]``.
        progress: Progress ratio with simultaneous bounds.
        suppression: Suppression.
    """
    candidates = judged & shared.setting.minorities
    significant = int(np.triu(shared.cosines.significant, 1).sum())
    above = np.triu_indices(len(judged), 1)
    determined = int(np.isfinite(shared.cosines.p_value[above]).sum())
    share = significant / determined if determined else np.nan
    return (
        _mean_minority_cosine(shared),
        _least_minority_cosine(shared),
        _count("conflicting_pairs", significant),
        _count("conflicting_pair_share", share),
        _worst("worst_progress_ratio", progress, candidates, sign=1.0),
        _worst("worst_suppression", suppression, candidates, sign=-1.0),
        _count("unlearned_minorities", int(unlearned.sum())),
    )


def _minority_pairs(scope: Scope) -> Mask:
    """Determined pairs of a minority (row) and a majority (column). Has shape ``[C, C]``."""
    minorities, present = scope.setting.minorities, scope.setting.priors > 0
    pairs = np.outer(minorities, ~minorities & present)
    return np.asarray(pairs & np.isfinite(scope.cosines.value))


def _mean_minority_cosine(scope: Scope) -> Summary:
    name, pairs = "mean_minority_cosine", _minority_pairs(scope)
    count = int(pairs.sum())
    if not count:
        return Summary(name, np.nan, np.nan, np.nan)
    value = np.array(scope.cosines.value[pairs].mean())
    # A fold of class c moves the pairs that c is in, as row or as column.
    mine = pairs | pairs.T
    delta = np.where(mine[:, None, :], scope.cosines.delta, 0.0).sum(2) / count
    variances = np.where(mine.any(1), fold_variance(delta, scope.loo.n), 0.0)
    uncertainty = combined(variances, np.maximum(scope.loo.degrees_of_freedom, 1.0))
    lower, upper = uncertainty.bounds(value, scope.setting.confidence_level)
    return Summary(name, float(value), float(lower), float(upper))


def _least_minority_cosine(scope: Scope) -> Summary:
    name, pairs = "least_minority_cosine", _minority_pairs(scope)
    if not pairs.any():
        return Summary(name, np.nan, np.nan, np.nan)
    M = np.where(pairs, scope.cosines.value, np.inf)
    at = np.unravel_index(M.argmin(), M.shape)
    cosines = scope.cosines
    return Summary(
        name,
        float(cosines.value[at]),
        float(cosines.lower[at]),
        float(cosines.upper[at]),
        int(at[0]),
    )


def _worst(name: str, column: Column, candidates: Mask, *, sign: float) -> Summary:
    """The candidate with the least value times the sign."""
    if not candidates.any() or column.lower is None or column.upper is None:
        return Summary(name, np.nan, np.nan, np.nan)
    c = int(np.where(candidates, sign * column.values, np.inf).argmin())
    return Summary(name, float(column.values[c]), float(column.lower[c]), float(column.upper[c]), c)


def _count(name: str, value: float) -> Summary:
    return Summary(name, float(value), float(value), float(value))


def _metric(name: str, unit: str, range_: str, help_text: str) -> Metric:
    return Metric(
        name=name, axes="summary", unit=unit, range=range_, source="Mathematics §7", help=help_text
    )


SUMMARY_METRICS = (
    _metric(
        "mean_minority_cosine",
        "cosine",
        "[-1, 1]",
        "Mean corrected cosine over the pairs of a minority and a majority.",
    ),
    _metric(
        "least_minority_cosine",
        "cosine",
        "[-1, 1]",
        "Least corrected cosine of a minority with a majority.",
    ),
    _metric("conflicting_pairs", "pairs", "[0, inf)", "Significantly conflicting pairs."),
    _metric(
        "conflicting_pair_share",
        "ratio",
        "[0, 1]",
        "Significantly conflicting pairs over the determined ones.",
    ),
    _metric(
        "worst_progress_ratio",
        "ratio",
        "(-inf, inf)",
        "Least progress ratio of a judged minority, with bounds that hold for all of them.",
    ),
    _metric("worst_suppression", "ratio", "[0, inf)", "Largest suppression of a judged minority."),
    _metric(
        "unlearned_minorities",
        "classes",
        "[0, inf)",
        "Minorities whose progress ratio is below 0 with a bound that holds for all of them.",
    ),
)
