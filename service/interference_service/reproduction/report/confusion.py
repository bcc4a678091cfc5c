"""What a confusion matrix says of each class, and how sure that is.

A confusion matrix has shape ``[..., C, C]``: rows of a class by what the network said. What cannot be
told, because a class has no rows, is NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.reproduction.intervals import TAIL

Numbers = NDArray[np.float64]
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers with their intervals, all of one shape."""

    value: Numbers
    lower: Numbers
    upper: Numbers


def recall(confusion: NDArray[np.int64]) -> Numbers:
    """Share of each class's rows that the network told. Has shape ``[..., C]``."""
    return _ratio(_right(confusion), confusion.sum(-1))


def precision(confusion: NDArray[np.int64]) -> Numbers:
    """Share of what was called a class that is of it; 0 for a class that was never called."""
    called = confusion.sum(-2)
    return np.where(called == 0, 0.0, _ratio(_right(confusion), called))


def f1(confusion: NDArray[np.int64]) -> Numbers:
    """Harmonic mean of precision and recall, 2 right / (rows + called); NaN without rows."""
    rows = confusion.sum(-1)
    value = _ratio(2 * _right(confusion), rows + confusion.sum(-2))
    return np.where(rows == 0, np.nan, value)


def macro_f1(confusion: NDArray[np.int64]) -> Numbers:
    """Mean F1 of the classes that have rows. Has shape ``[...]``."""
    scored = f1(confusion)
    known = ~np.isnan(scored)
    return _ratio(np.where(known, scored, 0).sum(-1), known.sum(-1))


def accuracy(confusion: NDArray[np.int64]) -> Numbers:
    """Share of all rows that the network told. Has shape ``[...]``."""
    return _ratio(_right(confusion).sum(-1), confusion.sum((-2, -1)))


def bootstrap(
    confusion: NDArray[np.int64],
    score: Callable[[NDArray[np.int64]], Numbers],
    seed: int = 0,
    draws: int = _DRAWS,
) -> Interval:
    """A score with the interval of its percentiles, were each class's rows drawn again.

    It speaks of the held-out rows alone, not of another training.

    Args:
        confusion: Has shape ``[C, C]``.
        score: One of this module, of a confusion matrix.
        seed: Of the draws.
        draws: How many.
    """
    rows = confusion.sum(1)
    shares = confusion / np.maximum(rows, 1)[:, None]
    shares[rows == 0] = 1 / len(rows)  # of no rows; any shares will do
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(rows, shares, size=(draws, len(rows)))
    scores = score(drawn)
    lower, upper = np.quantile(scores, [TAIL, 1 - TAIL], axis=0)
    return Interval(score(confusion), lower, upper)


def _right(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Numbers:
    """NaN where the whole is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    ratio: Numbers = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=ratio, where=bottom != 0)
    return ratio
