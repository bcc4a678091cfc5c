"""Folds of the rows of every class (Mathematics §1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FoldLayout:
    """How the rows of every class are dealt into folds (Mathematics §1).

    A *segment* is one fold of one class; segments are ordered by class, then by fold.

    Attributes:
        rows_used: n_c, rows of every class. Has shape ``[C]``.
        folds: K, folds of a class that has enough rows.
        folds_of_class: K_c = min(K, n_c). Has shape ``[C]``.
        class_of_segment: Class of every segment. Has shape ``[R]``.
        fold_of_segment: Fold of every segment. Has shape ``[R]``.
        counts: n_ck, rows of every segment. Has shape ``[R]``.
    """

    rows_used: Integers
    folds: int
    folds_of_class: Integers
    class_of_segment: Integers
    fold_of_segment: Integers
    counts: Integers

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.rows_used)

    @property
    def num_segments(self) -> int:
        """R."""
        return len(self.counts)

    @property
    def weights(self) -> NDArray[np.float64]:
        """n_ck / n_c. Has shape ``[R]``."""
        return self.counts / self.rows_used[self.class_of_segment]

    def segments_of(self, class_index: int) -> slice:
        """The segments of a class."""
        start = int(self.folds_of_class[:class_index].sum())
        return slice(start, start + int(self.folds_of_class[class_index]))


def fold_layout(rows_used: Sequence[int] | Integers, folds: int) -> FoldLayout:
    """Deal the rows of every class into folds whose sizes differ by one at most (Mathematics §1).

    Args:
        rows_used: n_c. Has shape ``[C]``.
        folds: K.

    Returns:
        The layout: the row of rank r of class c, ranks being at random, is in fold r mod K_c.
    """
    n = np.asarray(rows_used, dtype=np.int64)
    K = np.minimum(folds, n)
    class_of_segment = np.repeat(np.arange(len(n)), K)
    fold_of_segment = np.arange(K.sum()) - np.repeat(np.cumsum(K) - K, K)
    # Ranks r < n_c with r mod K_c = k: one more for the first n_c mod K_c folds.
    n_segment, K_segment = n[class_of_segment], K[class_of_segment]
    counts = (n_segment - fold_of_segment + K_segment - 1) // np.maximum(K_segment, 1)
    return FoldLayout(n, folds, K, class_of_segment, fold_of_segment, counts)
