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
    """One number per class. All have shape ``[C]``; bounds are None where the metric has none."""

    values: Array
    lower: Array | None = None
    upper: Array | None = None

    @classmethod
    def of_ratio(cls, ratio: Ratio, confidence_level: float) -> "Column":
        """A quotient with its bounds."""
        return cls(ratio.value, *ratio.bounds(confidence_level))


@dataclass(frozen=True, slots=True)
class Summary:
    """A number of the whole analysis; bounds are the value for a count, NaN where undetermined.

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

    def of_worst_minority(self, metric: str, *, sign: float) -> Summary:
        """The judged minority with the least value times the sign, of a metric with bounds."""
        column, candidates = self.columns[metric], self.judged & self.scope.setting.minorities
        if not candidates.any() or column.lower is None or column.upper is None:
            return Summary.undetermined()
        c = int(np.where(candidates, sign * column.values, np.inf).argmin())
        return Summary(float(column.values[c]), float(column.lower[c]), float(column.upper[c]), c)
