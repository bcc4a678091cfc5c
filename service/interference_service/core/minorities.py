"""Shares of the classes in the update, and which classes are minorities (Mathematics §§5, 7)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def priors(
    rows_in_data: NDArray[np.int64],
    shares: Sequence[float] | None = None,
    class_weights: Sequence[float] | None = None,
) -> Vector:
    """π: the share of every class in the update that training makes (Mathematics §5).

    Args:
        rows_in_data: N_c, or the terms of the loss where rows have several. Has shape ``[C]``.
        shares: Instead of the data's, for instance a sampler's. Has length C.
        class_weights: Weights of the training loss. Has length C.

    Returns:
        Shares that sum to 1; an empty class has none. Has shape ``[C]``.
    """
    π = np.asarray(rows_in_data if shares is None else shares, dtype=np.float64)
    π = np.where(rows_in_data > 0, π, 0.0)
    if class_weights is not None:
        π = π * np.asarray(class_weights, dtype=np.float64)
    total = π.sum()
    return π / total if total > 0 else π


def minority_mask(
    π: Vector, below_uniform_share: float = 0.5, named: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Which classes are minorities (Mathematics §7).

    Args:
        π: Shares. Has shape ``[C]``.
        below_uniform_share: Part of the uniform share 1/C below which a class is a minority.
        named: If given, these and no others. Has shape ``[C]``.

    Returns:
        A mask; a class without a share is never in it. Has shape ``[C]``.
    """
    chosen = below_uniform_share / len(π) > π if named is None else named
    return np.asarray(chosen & (π > 0))
