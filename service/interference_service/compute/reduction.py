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


def reduce_block(
    task: ReduceTask,
    sums: Sequence[NDArray[np.floating]],
    before: Sequence[LayerPart] = (),
) -> list[LayerPart]:
    """Statistics of every layer over one block of columns (Mathematics §§2, 9).

    Args:
        task: Which segments the rows are, and which columns.
        sums: Gradient sums, an array for every unit. Each has shape ``[segments, width]``.
        before: Of the blocks before, where the same layer begins in them.

    Returns:
        One part for every exact layer and every replicate that the block touches, with what it had
        before.
    """
    layout = fold_layout(task.rows_used, task.folds)
    start, end = task.columns
    means = np.zeros((layout.num_segments, end - start))
    # Units are added in their order, so the bits do not depend on who was done first.
    for segments, unit_sums in zip(task.segments, sums, strict=True):
        for row, segment in enumerate(segments):
            means[segment] += unit_sums[row]
    means /= layout.counts[:, None]
    parts = [
        LayerPart(
            layer,
            sufficient_statistics(layout, means[:, max(first, start) - start : last - start]),
            replicate,
        )
        for layer, replicate, first, last in _pieces(task)
        if first < end and last > start
    ]
    return _merged([*before, *parts])


def _merged(parts: Iterable[LayerPart]) -> list[LayerPart]:
    """One part for every layer and replicate, in the order in which they first come."""
    found: dict[tuple[int, int | None], LayerPart] = {}
    for part in parts:
        key = part.layer, part.replicate
        known = found.get(key)
        statistics = part.statistics if known is None else known.statistics + part.statistics
        found[key] = LayerPart(part.layer, statistics, part.replicate)
    return list(found.values())


def _pieces(task: ReduceTask) -> Iterator[tuple[int, int | None, int, int]]:
    # An exact layer is one piece, a sketched one as many as it has replicates.
    widths = task.replicate_widths or (0,) * len(task.layers)
    for layer, ((start, end), width) in enumerate(zip(task.layers, widths, strict=True)):
        if width:
            for replicate, first in enumerate(range(start, end, width)):
                yield layer, replicate, first, first + width
        else:
            yield layer, None, start, end


def by_layer(parts: Sequence[LayerPart]) -> dict[int, ReplicatedStatistics]:
    """Statistics of every layer of a block whose columns are whole layers.

    Args:
        parts: What ``reduce_block`` returned for the last block of the layers.
    """
    found: dict[int, list[SufficientStatistics]] = {}
    for part in parts:
        # The columns hold the replicates in their order.
        found.setdefault(part.layer, []).append(part.statistics)
    return {layer: ReplicatedStatistics(tuple(each)) for layer, each in found.items()}


@dataclass(frozen=True, slots=True)
class ScopeSums:
    """Statistics of some of the layers together.

    Attributes:
        shared: Of those that all classes use; None: there are none among them.
        head: Of the class head; None: it is not among them.
    """

    shared: ReplicatedStatistics | None
    head: ReplicatedStatistics | None

    @property
    def everything(self) -> ReplicatedStatistics | None:
        """Of all of them."""
        return _added(self.shared, self.head)


def sum_scopes(
    heads: Sequence[bool], parts: Sequence[Sequence[LayerPart] | ScopeSums]
) -> ScopeSums:
    """Add up the statistics of layers, or of sets of them.

    Args:
        heads: Whether a layer is the class head, for every layer.
        parts: In the order of the layers.
    """
    total = ScopeSums(None, None)
    for each in parts:
        sums = [each] if isinstance(each, ScopeSums) else _scope_sums(heads, each)
        for one in sums:
            total = ScopeSums(_added(total.shared, one.shared), _added(total.head, one.head))
    return total


def _scope_sums(heads: Sequence[bool], parts: Sequence[LayerPart]) -> Iterator[ScopeSums]:
    for layer, statistics in by_layer(parts).items():
        yield ScopeSums(None, statistics) if heads[layer] else ScopeSums(statistics, None)


def _added(
    one: ReplicatedStatistics | None, other: ReplicatedStatistics | None
) -> ReplicatedStatistics | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other
