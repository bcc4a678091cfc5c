"""Worker side of the reduction: gradients to sufficient statistics, statistics to the result."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.compute.context import ReduceTask
from interference_service.core.folds import fold_layout
from interference_service.core.sufficient_statistics import (
    SufficientStatistics,
    sufficient_statistics,
)


@dataclass(frozen=True, slots=True)
class LayerPart:
    """Statistics of the columns of one layer that lie in one block."""

    layer: int
    statistics: SufficientStatistics


def reduce_block(task: ReduceTask, sums: Sequence[NDArray[np.floating]]) -> list[LayerPart]:
    """Statistics of every layer over one block of columns (Mathematics §2).

    Args:
        task: Which segments the rows are, and which columns.
        sums: Gradient sums, an array for every unit. Each has shape ``[segments, width]``.

    Returns:
        One part for every layer that the block touches. Parts of a layer add up.
    """
    layout = fold_layout(task.rows_used, task.folds)
    start, end = task.columns
    means = np.zeros((layout.num_segments, end - start))
    # Units are added in their order, so the bits do not depend on who was done first.
    for segments, unit_sums in zip(task.segments, sums, strict=True):
        for row, segment in enumerate(segments):
            means[segment] += unit_sums[row]
    means /= layout.counts[:, None]
    return [
        LayerPart(
            index, sufficient_statistics(layout, means[:, max(first, start) - start : last - start])
        )
        for index, (first, last) in enumerate(task.layers)
        if first < end and last > start
    ]


def sum_parts(blocks: Iterable[Sequence[LayerPart]], num_layers: int) -> list[SufficientStatistics]:
    """Statistics of every layer: its parts added in the order of the blocks.

    Args:
        blocks: What ``reduce_block`` returned, in the order of the columns.
        num_layers: Number of layers, L.
    """
    total: list[SufficientStatistics | None] = [None] * num_layers
    for parts in blocks:
        for part in parts:
            before = total[part.layer]
            total[part.layer] = part.statistics if before is None else before + part.statistics
    return [each for each in total if each is not None]
