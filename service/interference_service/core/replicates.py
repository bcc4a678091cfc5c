"""Statistics of sketched gradients, and what the sketch adds to a variance (Mathematics §9)."""

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from interference_service.core.gram import Gram, gram_matrix, padded
from interference_service.core.sufficient_statistics import SufficientStatistics

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReplicatedStatistics:
    """Statistics of a set of parameters, once for every sketch of the gradients (Mathematics §9).

    Attributes:
        replicates: Of independent sketches of the same gradients; a single one is exact.
    """

    replicates: tuple[SufficientStatistics, ...]

    @property
    def exact(self) -> bool:
        """Whether nothing is sketched, so that there is no error of a sketch."""
        return len(self.replicates) == 1

    def __add__(self, other: "ReplicatedStatistics") -> "ReplicatedStatistics":
        """Statistics of both sets of parameters together; exact ones are so in every replicate."""
        mine, theirs = self.replicates, other.replicates
        if self.exact:
            mine *= len(theirs)
        elif other.exact:
            theirs *= len(mine)
        return ReplicatedStatistics(tuple(a + b for a, b in zip(mine, theirs, strict=True)))

    def mean(self) -> SufficientStatistics:
        """The estimate."""
        if self.exact:
            return self.replicates[0]
        total, b = reduce(add, self.replicates), len(self.replicates)
        return SufficientStatistics(total.layout, total.A / b, total.B / b, total.D / b)


@dataclass(frozen=True, slots=True)
class SketchError:
    """What the sketch does to the Gram matrix; nothing where gradients are exact (Mathematics §9).

    The hashes depend on no row, so what the sketch adds to a variance adds to what the rows bring.

    Attributes:
        deviations: G, with U on the diagonal, minus G without replicate j. Has shape
            ``[b, C, C]``.
    """

    deviations: Array

    @property
    def of_norms(self) -> Array:
        """U minus U without replicate j. Has shape ``[b, C]``."""
        return np.asarray(np.einsum("jcc->jc", self.deviations))

    @property
    def degrees_of_freedom(self) -> float:
        """Of every variance by the sketch: b − 1, or 1 where nothing varies."""
        return max(len(self.deviations) - 1.0, 1.0)


def sketch_error(statistics: ReplicatedStatistics, gram: Gram) -> SketchError:
    """Leave out one replicate at a time (Mathematics §9).

    G and U are linear in the statistics, so that b G = G_j + (b − 1) G_(−j), and what leaving out
    replicate j changes is G − G_(−j) = (G_j − G) / (b − 1).

    Args:
        statistics: Of a scope.
        gram: Gram matrix of their mean.
    """
    if statistics.exact:
        return SketchError(np.zeros((1, *gram.G.shape)))
    of_each = np.stack([gram_matrix(padded(one), one.layout).G for one in statistics.replicates])
    return SketchError((of_each - gram.G) / (len(of_each) - 1))


def replicate_covariance(first: Array, second: Array) -> Array:
    """Covariance that the sketch adds to two statistics (Mathematics §9).

    The delete-one-replicate jackknife: ((b − 1)/b) Σ_j (T_(−j) − mean)(S_(−j) − mean), and 0 for
    one replicate.

    Args:
        first: T_(−j) up to a constant and a sign that both share. Has shape ``[b, ...]``.
        second: Likewise S_(−j).

    Returns:
        Has shape ``[...]``.
    """
    b = len(first)
    return np.asarray((b - 1) * ((first - first.mean(0)) * (second - second.mean(0))).mean(0))


def replicate_variance(values: Array) -> Array:
    """Variance that the sketch adds: ``replicate_covariance`` with itself (Mathematics §9)."""
    return replicate_covariance(values, values)
