"""What metrics give."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.ratio import Ratio
from interference_service.core.scope import Scope

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Column:
    """One number per class (Mathematics §10).

    All have shape ``[C]``; bounds are None where the metric has none.
    """

    values: Array
    lower: Array | None = None
    upper: Array | None = None

    @classmethod
    def of_ratio(cls, ratio: Ratio, confidence_level: float) -> "Column":
        """A quotient with its bounds."""
        return cls(ratio.value, *ratio.bounds(confidence_level))

    def negated(self) -> "Column":
        """The numbers with the other sign."""
        assert self.lower is not None and self.upper is not None  # noqa: S101, PT018 - has bounds
        return Column(-self.values, -self.upper, -self.lower)


@dataclass(frozen=True, slots=True)
class Summary:
    """A number of the whole analysis (Mathematics §§7, 10).

    Bounds are the value for a count, NaN where undetermined.

    Attributes:
        value: The number.
        lower: Lower bound.
        upper: Upper bound.
        class_index: The class it comes from, if from one; else −1.
    """

    value: float
    lower: float
    upper: float
    class_index: int = -1

    def negated(self) -> "Summary":
        """The number with the other sign."""
        return Summary(-self.value, -self.upper, -self.lower, self.class_index)

    @classmethod
    def undetermined(cls) -> "Summary":
        """Nothing is known."""
        return cls(np.nan, np.nan, np.nan)

    @classmethod
    def count(cls, value: float) -> "Summary":
        """A count or a share of counts, which has no interval."""
        return cls(float(value), float(value), float(value))


@dataclass(frozen=True, slots=True)
class SharedFindings:
    """What was found in the shared scope, from which the summaries are made.

    Attributes:
        scope: The shared scope.
        columns: Its class metrics, by name.
        judged: Classes whose descent rate has an interval. Has shape ``[C]``.
        unlearned: Minorities found to be unlearned. Has shape ``[C]``.
    """

    scope: Scope
    columns: Mapping[str, Column]
    judged: Mask
    unlearned: Mask


def least_of(column: Column, among: Mask) -> Summary:
    """The least of some classes' numbers (Mathematics §7).

    Its bounds hold if all of theirs do: the least is below every upper bound and above the least of
    the lower ones. A class whose number is undetermined could have any, so that it takes the lower
    bound away.

    Args:
        column: A metric with bounds.
        among: The classes. Has shape ``[C]``.
    """
    if not among.any() or column.lower is None or column.upper is None:
        return Summary.undetermined()
    lower = float(np.where(np.isnan(column.lower), -np.inf, column.lower)[among].min())
    uppers = np.where(among & ~np.isnan(column.upper), column.upper, np.inf)
    values = np.where(among & np.isfinite(column.values), column.values, np.inf)
    upper, value, c = float(uppers.min()), float(values.min()), int(values.argmin())
    if value <= upper and value < np.inf:
        return Summary(value, lower, upper, c)
    # The least is another's, of whom no more than a bound is known, if that.
    return Summary(np.nan, lower, upper, int(uppers.argmin()) if upper < np.inf else -1)
