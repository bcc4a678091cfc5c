"""Quotients of two uncertain numbers, with bounds that hold where the denominator is uncertain."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
Variances: TypeAlias = tuple[Array, Array, Array]
"""Variance of N, covariance of N and D, variance of D; all of one shape."""


def difference_variance(variances: Variances, κ: float | Array) -> Array:
    """Variance of N − κ D (Mathematics §4). Has the shape of the variances."""
    vNN, vND, vDD = variances
    return np.asarray(vNN - 2 * κ * vND + κ**2 * vDD)


@dataclass(frozen=True, slots=True)
class Ratio:
    """N / D with D > 0 known, and how N and D vary (Mathematics §4). All are of one shape.

    Attributes:
        numerator: N.
        denominator: D; NaN where the quotient is undetermined.
        numerator_variance: Of N.
        covariance: Of N and D.
        denominator_variance: Of D.
        degrees_of_freedom: Of the variances.
    """

    numerator: Array
    denominator: Array
    numerator_variance: Array
    covariance: Array
    denominator_variance: Array
    degrees_of_freedom: Array | float

    @property
    def value(self) -> Array:
        """N / D."""
        return np.asarray(self.numerator / self.denominator)

    def plus_one(self) -> "Ratio":
        """1 + N / D."""
        return Ratio(
            numerator=self.numerator + self.denominator,
            denominator=self.denominator,
            numerator_variance=self.numerator_variance
            + 2 * self.covariance
            + self.denominator_variance,
            covariance=self.covariance + self.denominator_variance,
            denominator_variance=self.denominator_variance,
            degrees_of_freedom=self.degrees_of_freedom,
        )

    def bounds(self, confidence_level: float) -> tuple[Array, Array]:
        """All κ that (N − κ D)² ≤ t² Var(N − κ D) leaves possible, around the value (Fieller 1954).

        They are roots of a quadratic in κ. Where D is not significantly above zero the set is not
        bounded on one side or on both; since D > 0 is known, of its branches the one with the value
        counts. NaN where the quotient or its uncertainty is undetermined.
        """
        N, D = self.numerator, self.denominator
        t = special.stdtrit(self.degrees_of_freedom, (1 + confidence_level) / 2)
        vNN, vND, vDD = (
            t**2 * each
            for each in (self.numerator_variance, self.covariance, self.denominator_variance)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            a, b = D**2 - vDD, N * D - vND
            # b² − ac, with what cancels left out.
            discriminant = vNN * D**2 - 2 * vND * N * D + vDD * N**2 - (vNN * vDD - vND**2)
            root = np.sqrt(np.maximum(discriminant, 0.0))
            first, second = (b - root) / a, (b + root) / a
            bounded = a > 0
            beyond = ~bounded & (discriminant > 0)
            # With a < 0 the two roots change places, and the set lies outside of them.
            above, below = beyond & (self.value >= first), beyond & (self.value <= second)
            lower = np.where(bounded, first, np.where(above, first, -np.inf))
            upper = np.where(bounded, second, np.where(below, second, np.inf))
        known = np.isfinite(self.value) & np.isfinite(vNN) & np.isfinite(vND) & np.isfinite(vDD)
        # Rounding must not put the value outside.
        lower, upper = np.minimum(lower, self.value), np.maximum(upper, self.value)
        return np.where(known, lower, np.nan), np.where(known, upper, np.nan)
