"""The three arrays per layer that hold all that is measured (Mathematics §2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.folds import FoldLayout

Matrix = NDArray[np.float64]
_BLOCK_ENTRIES = 1 << 22
"""Entries of a block of gradients in 64 bits: 32 MiB."""


@dataclass(frozen=True, slots=True)
class SufficientStatistics:
    """Inner products of mean gradients (Mathematics §2).

    Attributes:
        layout: Folds of the classes.
        A: ⟨ĝ_ck, ĝ_d⟩. Has shape ``[R, C]``.
        B: ⟨ĝ_ck, ĝ_cm⟩, zero beyond the folds of the class. Has shape ``[R, K]``.
        D: ⟨ĝ_ck, ĝ_dk⟩, zero where d has no fold k. Has shape ``[R, C]``.
    """

    layout: FoldLayout
    A: Matrix
    B: Matrix
    D: Matrix

    def __add__(self, other: "SufficientStatistics") -> "SufficientStatistics":
        """Statistics of both sets of parameters together."""
        return SufficientStatistics(
            self.layout, self.A + other.A, self.B + other.B, self.D + other.D
        )

    @classmethod
    def zero(cls, layout: FoldLayout) -> "SufficientStatistics":
        """Statistics of no parameters."""
        R, C = layout.num_segments, layout.num_classes
        return cls(layout, np.zeros((R, C)), np.zeros((R, layout.folds)), np.zeros((R, C)))


def sufficient_statistics(layout: FoldLayout, X: NDArray[np.floating]) -> SufficientStatistics:
    """A, B and D of a set of parameters, summed in 64 bits (Mathematics §2).

    Args:
        layout: Folds of the classes.
        X: Mean gradient of every segment. Has shape ``[R, P_l]``.
    """
    total = SufficientStatistics.zero(layout)
    width = max(1, _BLOCK_ENTRIES // max(1, layout.num_segments))
    for start in range(0, X.shape[1], width):
        _accumulate(total, np.asarray(X[:, start : start + width], dtype=np.float64))
    return total


def _accumulate(total: SufficientStatistics, X: Matrix) -> None:
    layout = total.layout
    means = np.zeros((layout.num_classes, X.shape[1]))
    for c in range(layout.num_classes):
        segments = layout.segments_of(c)
        X_c = X[segments]
        means[c] = layout.weights[segments] @ X_c
        total.B[segments, : len(X_c)] += X_c @ X_c.T
    total.A[:] += X @ means.T
    for k in range(layout.folds):
        of_fold = np.flatnonzero(layout.fold_of_segment == k)
        X_k = X[of_fold]
        total.D[of_fold[:, None], layout.class_of_segment[of_fold]] += X_k @ X_k.T
