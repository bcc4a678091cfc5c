"""Applies a projection to a gradient where the gradient is (Mathematics §9)."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from interference_service.core.sketch import (
    REPLICATES,
    LayerSketch,
    Projection,
    hashed_shifts,
    hashed_signs,
)

_CHUNK_ENTRIES = {"cpu": 1 << 17}
"""Coordinates worked on at a time; these stay in a processor's cache."""
_CHUNK_ENTRIES_ELSEWHERE = 1 << 22
"""Enough to occupy a GPU: some 150 MiB of its memory."""


class Projector:
    """A projection with its hashes (Mathematics §9).

    They take a byte for every sketched coordinate, and 4 b / w more.
    """

    def __init__(self, projection: Projection, device: torch.device) -> None:
        self._projection = projection
        self._hashes = {
            layer: _hashes(projection.seed, layer, device)
            for layer in projection.layers
            if layer.width
        }

    def __call__(self, gradient: Tensor) -> Tensor:
        """Project a flat gradient, or a sum of some.

        Args:
            gradient: On the projector's device. Has shape ``[P]``.

        Returns:
            Of the same type; the gradient itself where every layer is exact. Has the projection's
            length.
        """
        if not self._hashes:
            return gradient
        projected = gradient.new_empty(self._projection.length)
        for layer in self._projection.layers:
            x, room = gradient[slice(*layer.source)], projected[slice(*layer.target)]
            if layer.width:
                x = sketched(x, *self._hashes[layer], layer.width).reshape(-1)
            room.copy_(x)
        return projected


def _hashes(seed: int, layer: LayerSketch, device: torch.device) -> tuple[Tensor, Tensor]:
    P_l = layer.source[1] - layer.source[0]
    signs = torch.from_numpy(hashed_signs(seed, layer.name, P_l))
    shifts = torch.from_numpy(hashed_shifts(seed, layer.name, P_l, layer.width))
    return signs.to(device), shifts.to(device)


def sketched(x: Tensor, signs: Tensor, shifts: Tensor, width: int) -> Tensor:
    """Count sketches of a vector, one for every replicate (Mathematics §9).

    As by Charikar, Chen and Farach-Colton 2002, but a run of w coordinates is rolled as a whole, so
    it is spread over the buckets without a collision, and two coordinates of different runs meet
    with probability 1/w. Sums have an order of their own, which scattered additions on a GPU have
    not: equal gradients have equal sketches.

    Args:
        x: The vector. Has shape ``[P_l]``.
        signs: Bit j is set where replicate j changes the sign. Has shape ``[P_l]``.
        shifts: Bucket v takes coordinate (v + shift) mod w of the run. Has shape ``[T, b]``.
        width: w.

    Returns:
        Summed in 64 bits. Has shape ``[b, w]``.
    """
    total = x.new_zeros(REPLICATES, width, dtype=torch.float64)
    runs = max(1, _CHUNK_ENTRIES.get(x.device.type, _CHUNK_ENTRIES_ELSEWHERE) // width)
    for first in range(0, len(shifts), runs):
        here = slice(first * width, (first + runs) * width)
        of_runs = shifts[first : first + runs]
        _add_sketches(total, _in_runs(x[here], width), _in_runs(signs[here], width), of_runs)
    return total


def _in_runs(x: Tensor, width: int) -> Tensor:
    """The runs of a vector, the last one filled up with zeros. Has shape ``[T, w]``."""
    return pad(x, (0, -len(x) % width)).view(-1, width)


def _add_sketches(total: Tensor, runs: Tensor, signs: Tensor, shifts: Tensor) -> None:
    """Add the runs of a vector, each rolled by its own shift, to every replicate.

    Args:
        total: Has shape ``[b, w]``.
        runs: Have shape ``[T, w]``.
        signs: As of ``sketched``. Have shape ``[T, w]``.
        shifts: Have shape ``[T, b]``.
    """
    count, width = runs.shape
    # Written down twice, a run holds each of its rolls as one piece.
    twice = runs.new_empty(count, 2, width)
    pieces = twice.as_strided((twice.numel() - width + 1, width), (1, 1))
    starts = 2 * width * torch.arange(count, dtype=torch.int32, device=runs.device)
    for j, shift in enumerate(shifts.T):
        sign = 1 - 2 * ((signs >> j) & 1).to(torch.int8)
        torch.mul(runs, sign, out=twice[:, 0])
        twice[:, 1].copy_(twice[:, 0])
        total[j] += pieces.index_select(0, starts + shift).sum(0, dtype=torch.float64)
