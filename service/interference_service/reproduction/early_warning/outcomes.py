"""What becomes of a class: whether it fails in the end, and whether it falls on the way."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from interference_service.reproduction.records import Scores

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

LEVEL = 0.05
"""How often noise alone may pass for a fall."""


def recognised(scores: Scores) -> tuple[Integers, Integers]:
    """Held-out rows of every class that are recognised, and all of them. Have shape ``[C]``."""
    confusion = np.asarray(scores.confusion, dtype=np.int64)
    return np.diagonal(confusion), confusion.sum(axis=1)


def held_out_losses(scores: Scores) -> list[float]:
    """Mean cross-entropy on the held-out rows of every class; NaN: not recorded."""
    return [math.nan if each is None else each for each in scores.losses]


def failing(correct: Integers, rows: Integers, below: float) -> Mask:
    """Classes of which the recall is below a part of the mean recall of all.

    Args:
        correct: Held-out rows that are recognised. Has shape ``[C]``.
        rows: All of them; a class without any neither fails nor counts. Has shape ``[C]``.
        below: The part.

    Returns:
        Has shape ``[C]``.
    """
    known = rows > 0
    recall = np.divide(correct, rows, out=np.full(len(rows), np.nan), where=known)
    return np.asarray(known & (recall < below * np.nanmean(recall)))


def falls(before: Sequence[int], after: Sequence[int], rows: Sequence[int]) -> Mask:
    """Whether fewer rows are recognised later, by more than noise: Fisher's exact test, one-sided.

    It takes the two counts to be of different rows. They are of the same, which makes it careful:
    noise passes for a fall less often than ``LEVEL`` says.

    Args:
        before: Rows that are recognised. Has length n.
        after: Later. Has length n.
        rows: All of them. Has length n.

    Returns:
        Has shape ``[n]``.
    """
    one, other, of = (np.asarray(each, dtype=np.int64) for each in (before, after, rows))
    return np.asarray(hypergeom.cdf(other, 2 * of, one + other, of) <= LEVEL)


def can_fall(before: Sequence[int], rows: Sequence[int]) -> Mask:
    """Whether so many rows are recognised that none at all would be a fall. Has shape ``[n]``."""
    return falls(before, [0] * len(before), rows)
