"""Numbers of several seeds as one, with how sure that is."""

import math
from collections.abc import Iterable, Mapping
from statistics import fmean, stdev

from interference_service.reproduction.intervals import student
from interference_service.reproduction.records import Bounded

UNDETERMINED = Bounded(value=None)


def mean_over_seeds(values: Iterable[float | None]) -> Bounded:
    """The mean, with the interval of Student's t where two or more are known; None counts not.

    Equal values have none: they are counts or limits, of which few seeds do not show the spread.
    """
    known = [each for each in values if each is not None and math.isfinite(each)]
    if not known:
        return UNDETERMINED
    mean = fmean(known)
    if len(known) < 2 or math.isclose(min(known), max(known), abs_tol=1e-12):
        return Bounded(value=mean)
    half = student(len(known) - 1) * stdev(known) / math.sqrt(len(known))
    return Bounded(value=mean, lower=mean - half, upper=mean + half)


def share_over_seeds(values: Iterable[float | None]) -> Bounded:
    """``mean_over_seeds`` of numbers between 0 and 1, which its interval does not leave either."""
    mean = mean_over_seeds(values)
    if mean.lower is None or mean.upper is None:
        return mean
    return mean.model_copy(update={"lower": max(mean.lower, 0.0), "upper": min(mean.upper, 1.0)})


def paired_difference(
    after: Mapping[int, float | None], before: Mapping[int, float | None]
) -> Bounded:
    """Mean of the differences of the seeds that both have, with the interval of Student's t."""
    pairs = [(after[seed], before[seed]) for seed in sorted(after.keys() & before.keys())]
    return mean_over_seeds(
        None if one is None or other is None else one - other for one, other in pairs
    )


def excludes_zero(difference: Bounded) -> int:
    """1 where all of the interval lies above 0, -1 where below, 0 where it holds it or is unknown."""
    if difference.lower is None or difference.upper is None:
        return 0
    return (difference.lower > 0) - (difference.upper < 0)
