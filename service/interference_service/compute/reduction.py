"""Worker side of the reduction: gradients to sufficient statistics, statistics to the result."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.compute.context import ReduceTask
from interference_service.core.folds import fold_layout
from interference_service.core.replicates import ReplicatedStatistics
from interference_service.core.sufficient_statistics import (
    SufficientStatistics,
    sufficient_statistics,
)


@dataclass(frozen=True, slots=True)
class LayerPart:
    """Statistics of the columns of one layer, or of one replicate of it, that lie in one block.

    Attributes:
        layer: Which layer.
        statistics: Of the columns.
        replicate: Which sketch of the layer; None where it is exact.
    """

    layer: int
    statistics: SufficientStatistics
    replicate: int | None = None


def reduce_block(task: ReduceTask, sums: Sequence[NDArray[np.floating]]) -> list[LayerPart]:
    """Statistics of every layer over one block of columns (Mathematics §§2, 9).

    Args:
        task: Which segments the rows are, and which columns.
        sums: Gradient sums, an array for every unit. Each has shape ``[segments, width]``.

    Returns:
        One part for every exact layer and every replicate that the block touches. Parts of either
        add up.
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
            layer,
            sufficient_statistics(layout, means[:, max(first, start) - start : last - start]),
            replicate,
        )
        for layer, replicate, first, last in _pieces(task)
        if first < end and last > start
    ]


def _pieces(task: ReduceTask) -> Iterator[tuple[int, int | None, int, int]]:
    # An exact layer is one piece, a sketched one as many as it has replicates.
    widths = task.replicate_widths or (0,) * len(task.layers)
    for layer, ((start, end), width) in enumerate(zip(task.layers, widths, strict=True)):
        if width:
            for replicate, first in enumerate(range(start, end, width)):
                yield layer, replicate, first, first + width
        else:
            yield layer, None, start, end


def sum_replicates(
    blocks: Iterable[Sequence[LayerPart]], num_layers: int
) -> list[ReplicatedStatistics]:
    """Statistics of every layer and replicate: their parts added in the order of the blocks.

    Args:
        blocks: What ``reduce_block`` returned, in the order of the columns.
        num_layers: Number of layers, L.
    """
    totals: list[dict[int | None, SufficientStatistics]] = [{} for _ in range(num_layers)]
    for parts in blocks:
        for part in parts:
            total, replicate = totals[part.layer], part.replicate
            before = total.get(replicate)
            total[replicate] = part.statistics if before is None else before + part.statistics
    # The columns hold the replicates in their order.
    return [ReplicatedStatistics(tuple(total.values())) for total in totals if total]
