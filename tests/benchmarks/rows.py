"""Long-tailed sets of rows, and the part of one that is measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from interference_service.compute.plan import Segment, units_of
from interference_service.core.folds import FoldLayout, fold_layout

BATCH = 128
FOLDS = 8
IMBALANCE = 100.0


@dataclass(frozen=True, slots=True)
class Rows:
    """Inputs and their classes, in groups: segments, or classes.

    Attributes:
        inputs: Has shape ``[n, ...]``.
        targets: Has shape ``[n]``.
        groups: Rows of every group, one group after the other; empty where they are mixed.
    """

    inputs: Tensor
    targets: Tensor
    groups: tuple[int, ...] = ()

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and classes of 128 rows at a time."""
        yield from zip(self.inputs.split(BATCH), self.targets.split(BATCH), strict=True)

    def shuffled(self, seed: int) -> "Rows":
        """The same rows as training meets them."""
        order = torch.randperm(len(self.targets), generator=torch.Generator().manual_seed(seed))
        order = order.to(self.targets.device)
        return Rows(self.inputs[order], self.targets[order])


def long_tail(rows: int, classes: int) -> np.ndarray:
    """Rows of each class: a geometric series of 100:1, at least one each."""
    shares = IMBALANCE ** (-np.arange(classes) / max(1, classes - 1))
    return np.maximum(1, np.rint(rows * shares / shares.sum())).astype(np.int64)


def layout_of(rows: int, classes: int) -> FoldLayout:
    """Folds of a long-tailed set."""
    return fold_layout(long_tail(rows, classes), FOLDS)


def segments_of(layout: FoldLayout, unit_rows: int, wanted_rows: int) -> tuple[Segment, ...]:
    """Every so many-th segment, evenly over the classes, until there are about the rows wanted.

    Args:
        layout: Of the whole set.
        unit_rows: Longer segments are cut.
        wanted_rows: How many rows are measured.
    """
    units = units_of(layout, unit_rows, layout.num_segments)
    segments = [segment for unit in units for segment in unit.segments]
    return tuple(segments[:: max(1, int(layout.counts.sum()) // wanted_rows)])


def in_segments(segments: Sequence[Segment], shape: tuple[int, ...], seed: int) -> Rows:
    """Random inputs of the rows of some segments, in their order."""
    counts = [len(segment.rows) for segment in segments]
    targets = torch.repeat_interleave(
        torch.tensor([segment.class_index for segment in segments]), torch.tensor(counts)
    )
    return Rows(_random(len(targets), shape, seed), targets, tuple(counts))


def mixed(rows: int, classes: int, count: int, shape: tuple[int, ...], seed: int) -> Rows:
    """Random rows of a long-tailed set, as training meets them."""
    counts = torch.from_numpy(long_tail(rows, classes))
    targets = torch.repeat_interleave(torch.arange(classes), counts)
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    return Rows(_random(count, shape, seed), targets[order[:count]])


def _random(count: int, shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))
