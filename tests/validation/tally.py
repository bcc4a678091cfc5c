"""Counts of how often estimates were where they said they would be."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from interference_service.core.interference import conflicting, descent, progress, relative_sum
from interference_service.core.scope import Scope

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Truth:
    """What an infinite sample would say.

    Attributes:
        gram: Inner products of the class gradients. Has shape ``[C, C]``.
        priors: π. Has shape ``[C]``.
        small: Classes whose sample is small. Has shape ``[C]``.
    """

    gram: Array
    priors: Array
    small: Mask

    @property
    def cosines(self) -> Array:
        """Has shape ``[C, C]``."""
        norms = np.sqrt(np.diagonal(self.gram))
        return np.asarray(self.gram / np.outer(norms, norms))

    @property
    def descent_rates(self) -> Array:
        """Has shape ``[C]``."""
        return np.asarray(self.gram @ self.priors)

    @property
    def progress_ratios(self) -> Array:
        """Has shape ``[C]``."""
        return self.descent_rates / (self.priors * np.diagonal(self.gram))

    @property
    def suppressions(self) -> Array:
        """Has shape ``[C]``."""
        others = self.gram * ~np.eye(len(self.priors), dtype=bool)
        cancelled = np.maximum(0.0, -others) @ self.priors
        return np.asarray(cancelled / (self.priors * np.diagonal(self.gram)))

    @property
    def pairs(self) -> Mask:
        """Pairs above the diagonal with at least one small class. Has shape ``[C, C]``."""
        some = self.small[:, None] | self.small[None, :]
        return np.asarray(np.triu(some, 1))


@dataclass(slots=True)
class Share:
    """How many of how many."""

    hits: int = 0
    total: int = 0

    def add(self, hits: Mask) -> None:
        """Count some more."""
        self.hits += int(hits.sum())
        self.total += hits.size

    @property
    def value(self) -> float:
        """NaN for none at all."""
        return self.hits / self.total if self.total else float("nan")


@dataclass(slots=True)
class Mean:
    """Mean of numbers as they come."""

    sum: float = 0.0
    total: int = 0

    def add(self, values: Array) -> None:
        """Take some more in."""
        self.sum += float(values.sum())
        self.total += values.size

    @property
    def value(self) -> float:
        """NaN for none at all."""
        return self.sum / self.total if self.total else float("nan")


@dataclass(slots=True)
class Tally:
    """Everything that is counted over the repetitions of one regime.

    Errors of cosines are taken toward zero (negative) or away from it, so that they do not cancel
    over pairs of either sign.
    """

    determined: Share = field(default_factory=Share)
    weak: Share = field(default_factory=Share)
    plain_error: Mean = field(default_factory=Mean)
    corrected_error: Mean = field(default_factory=Mean)
    cosine_covered: Share = field(default_factory=Share)
    progress_covered: Share = field(default_factory=Share)
    descent_covered: Share = field(default_factory=Share)
    suppression_covered: Share = field(default_factory=Share)

    def add(self, found: Scope, truth: Truth) -> None:
        """Compare one analysis with the truth."""
        cosines, pairs = found.cosines, truth.pairs
        known = pairs & np.isfinite(cosines.value)
        weak = found.weak[:, None] | found.weak[None, :]
        self.determined.add(np.isfinite(cosines.value[pairs]))
        self.weak.add(weak[known])
        away = np.sign(truth.cosines)
        self.plain_error.add((away * (cosines.plain - truth.cosines))[pairs])
        self.corrected_error.add((away * (cosines.value - truth.cosines))[known])
        inside = (cosines.lower <= truth.cosines) & (truth.cosines <= cosines.upper)
        self.cosine_covered.add(inside[known])
        self._add_progress(found, truth)

    def _add_progress(self, found: Scope, truth: Truth) -> None:
        level = found.setting.confidence_level
        ratio = progress(found)
        lower, upper = ratio.bounds(level)
        known = truth.small & np.isfinite(ratio.value)
        ρ = truth.progress_ratios
        self.progress_covered.add(((lower <= ρ) & (ρ <= upper))[known])
        ratio = relative_sum(found, conflicting)
        lower, upper = ratio.bounds(level)
        S = truth.suppressions
        self.suppression_covered.add(((lower <= S) & (upper >= S))[known])
        value, uncertainty = descent(found)
        lower, upper = uncertainty.bounds(value, level)
        r = truth.descent_rates
        self.descent_covered.add(((lower <= r) & (r <= upper))[truth.small & np.isfinite(lower)])


@dataclass(slots=True)
class SketchTally:
    """What sketches change over the repetitions of one regime.

    Attributes:
        error: Distance of a sketched cosine from the exact one.
        exact_covered: Exact cosines within the bounds of the sketched ones.
        width: Width of a sketched interval over that of the exact one.
        sketched: Against the truth.
    """

    error: Mean = field(default_factory=Mean)
    exact_covered: Share = field(default_factory=Share)
    width: Mean = field(default_factory=Mean)
    sketched: Tally = field(default_factory=Tally)

    def add(self, exact: Scope, sketched: Scope, truth: Truth) -> None:
        """Compare one sample's two analyses."""
        one, other = exact.cosines, sketched.cosines
        known = truth.pairs & np.isfinite(one.value) & np.isfinite(other.value)
        self.error.add(np.abs(one.value - other.value)[known])
        self.exact_covered.add(((other.lower <= one.value) & (one.value <= other.upper))[known])
        bounded = (
            known & np.isfinite(one.upper - one.lower) & np.isfinite(other.upper - other.lower)
        )
        self.width.add(((other.upper - other.lower) / (one.upper - one.lower))[bounded])
        self.sketched.add(sketched, truth)
