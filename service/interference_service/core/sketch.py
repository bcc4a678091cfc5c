"""Which layers are sketched, and the hashes that do it (Mathematics §9)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.layers import Layer
from interference_service.core.sampling import row_keys

REPLICATES = 8
"""b, independent sketches of a layer; a byte holds one sign of each."""
_HASHED_AT_ONCE = 1 << 20
"""Coordinates hashed at a time, of 8 bytes each."""


@dataclass(frozen=True, slots=True)
class LayerSketch:
    """What becomes of one layer.

    Attributes:
        name: Of the layer; its hashes depend on it.
        source: Range in the flat gradient, P_l long.
        target: Range in the projected gradient: the coordinates themselves, or one replicate
            after the other.
        width: w, of a replicate; 0 where the layer is kept exactly.
    """

    name: str
    source: tuple[int, int]
    target: tuple[int, int]
    width: int


@dataclass(frozen=True, slots=True)
class Projection:
    """A linear map of the flat gradient, layer by layer (Mathematics §9).

    Attributes:
        layers: In the model's order.
        width: m, numbers kept of a sketched layer; 0: every layer is exact.
        seed: Key of the hashes.
    """

    layers: tuple[LayerSketch, ...]
    width: int
    seed: int = 0

    @property
    def length(self) -> int:
        """Of the projected gradient."""
        return self.layers[-1].target[1] if self.layers else 0

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Range of every layer in the projected gradient. Has length L."""
        return tuple(layer.target for layer in self.layers)

    @property
    def replicate_widths(self) -> tuple[int, ...]:
        """Width of a replicate of every layer; 0: exact. Has length L."""
        return tuple(layer.width for layer in self.layers)


def projection_of(layers: Sequence[Layer], width: int, *, seed: int = 0) -> Projection:
    """Sketch every layer that has more coordinates than its sketch would have (Mathematics §9).

    Args:
        layers: In the order of the flat gradient.
        width: m, a multiple of ``REPLICATES``; 0: keep every layer exactly.
        seed: Key of the hashes.

    Raises:
        ValueError: The width is no such multiple.
    """
    if width % REPLICATES:
        raise ValueError(f"width must be a multiple of {REPLICATES}; got {width}")
    found: list[LayerSketch] = []
    source = target = 0
    for layer in layers:
        P_l = layer.parameter_count
        sketched = 0 < width < P_l
        kept = width if sketched else P_l
        found.append(
            LayerSketch(
                layer.name,
                (source, source + P_l),
                (target, target + kept),
                width // REPLICATES if sketched else 0,
            )
        )
        source, target = source + P_l, target + kept
    return Projection(tuple(found), width, seed)


def hashed_signs(seed: int, name: str, count: int) -> NDArray[np.uint8]:
    """A random bit for every coordinate and every replicate (Mathematics §9).

    A set bit is a minus.

    Args:
        seed: Key of the hash.
        name: Of the layer.
        count: P_l.

    Returns:
        Bit j belongs to replicate j. Has shape ``[P_l]``.
    """
    signs = np.empty(count, dtype=np.uint8)
    for start in range(0, count, _HASHED_AT_ONCE):
        positions = np.arange(start, min(start + _HASHED_AT_ONCE, count))
        signs[start : start + len(positions)] = row_keys(seed, f"{name}#signs", positions)
    return signs


def hashed_shifts(seed: int, name: str, count: int, width: int) -> NDArray[np.int32]:
    """How far every run is rolled in every replicate, evenly over 0..w−1 (Mathematics §9).

    Args:
        seed: Key of the hash.
        name: Of the layer.
        count: P_l.
        width: w.

    Returns:
        Has shape ``[T, b]`` for T runs.
    """
    runs = -(-count // width)
    keys = row_keys(seed, f"{name}#shifts", np.arange(runs * REPLICATES))
    return (keys % np.uint64(width)).astype(np.int32).reshape(runs, REPLICATES)
