"""Which rows go into which unit of work; depends on the data and the request alone.

Nothing here knows how many actors there are: units, the batches within them, and the order in
which their sums are added are the same for any number, and so are the bits of the result.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from interference_service.core.folds import FoldLayout
from interference_service.errors import InputUnsupported

Indices = NDArray[np.int64]

PARTS = 8
"""A unit has at most one part in so many of the rows that are left, so that units become small
towards the end of a round and no actor is long alone with the last one. No property of a cluster:
the units are the same for any number of actors, and balance up to as many at least.
"""
LEAST_ROWS = 128
"""No unit is made smaller than that for it: it would cost more than a batch, and an array besides."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of rows of one fold of one class.

    Attributes:
        index: Which (class, fold), as ``FoldLayout`` counts them.
        class_index: The class.
        rows: Positions among the rows of the round. Has shape ``[n]``.
    """

    index: int
    class_index: int
    rows: Indices


@dataclass(frozen=True, slots=True)
class Unit:
    """Segments that one actor takes in one go."""

    index: int
    segments: tuple[Segment, ...]

    @property
    def num_rows(self) -> int:
        """Rows of all segments."""
        return sum(len(segment.rows) for segment in self.segments)


def units_of(
    layout: FoldLayout, unit_rows: int, unit_segments: int, rows_before: Indices | None = None
) -> tuple[Unit, ...]:
    """Cut a round into units, smaller ones towards its end.

    The rows of a round are ordered by class, within a class by rank (the order of their keys), so
    the row of rank r of class c is at position ``sum((rows_used - rows_before)[:c]) + r -
    rows_before[c]``. It belongs to fold ``r mod K_c``, the same in every round: the folds of a
    class never become more, for its first round fills them all or takes all of its rows.

    Args:
        layout: Folds of every class, with the rows of this round and all before.
        unit_rows: Most rows of a unit.
        unit_segments: Most segments of a unit, each of which takes the memory of a gradient.
        rows_before: Rows of every class in the rounds before; None: there were none. Has shape
            ``[C]``.

    Returns:
        Units in order; every row of the round is in exactly one segment.
    """
    before = np.zeros_like(layout.rows_used) if rows_before is None else rows_before
    left = int((layout.rows_used - before).sum())
    units: list[Unit] = []
    open_segments: list[Segment] = []
    room = _most_rows(left, unit_rows)
    for segment in _segments(layout, before):
        rows = segment.rows
        while len(rows):
            full = len(open_segments) == unit_segments or len(rows) > room
            if open_segments and full:
                units.append(Unit(len(units), tuple(open_segments)))
                open_segments, room = [], _most_rows(left, unit_rows)
            taken, rows = rows[:room], rows[room:]
            open_segments.append(Segment(segment.index, segment.class_index, taken))
            room -= len(taken)
            left -= len(taken)
    if open_segments:
        units.append(Unit(len(units), tuple(open_segments)))
    return tuple(units)


def _most_rows(left: int, unit_rows: int) -> int:
    """Rows of a unit with which so many are left (Polychronopoulos & Kuck 1987)."""
    return min(unit_rows, max(LEAST_ROWS, -(-left // PARTS)))


def _segments(layout: FoldLayout, before: Indices) -> Iterator[Segment]:
    """The folds of every class, which ``units_of`` cuts where they are longer than a unit.

    Yields:
        The rows of the round that each fold has, by class.
    """
    starts = np.concatenate([[0], np.cumsum(layout.rows_used - before)])
    for index in range(layout.num_segments):
        class_index = int(layout.class_of_segment[index])
        fold = int(layout.fold_of_segment[index])
        folds = int(layout.folds_of_class[class_index])
        first = starts[class_index] + (fold - int(before[class_index])) % folds
        yield Segment(
            index, class_index, np.arange(first, starts[class_index + 1], folds, dtype=np.int64)
        )


def gradient_bytes(num_parameters: int, num_segments: int, item_bytes: int, allowed: int) -> int:
    """Bytes of one flat gradient, where those of all segments are within what is allowed.

    Args:
        num_parameters: Length of the flat gradient, P.
        num_segments: How many are kept, R.
        item_bytes: Bytes of one entry.
        allowed: Bytes of all of them.

    Raises:
        InputUnsupported: They need more.
    """
    needed = num_parameters * num_segments * item_bytes
    if needed > allowed:
        raise InputUnsupported.at(
            "options.folds",
            f"makes {num_segments} gradients of {num_parameters} parameters, "
            f"{needed / 2**30:.3g} GiB in all, above the {allowed / 2**30:.3g} GiB that this "
            "server allows; ask for fewer folds, or fewer layers in layer_globs",
        )
    return max(1, num_parameters * item_bytes)


@dataclass(frozen=True, slots=True)
class ColumnBlock:
    """Columns of the projected gradient that are reduced together.

    Attributes:
        start: The first column.
        end: The column after the last.
        layers: The layers that have columns here; a part of one layer, or the whole of some.
        goes_on: Whether the block before has the columns before of the same layer.
    """

    start: int
    end: int
    layers: range
    goes_on: bool = False


def column_blocks(
    layers: Sequence[tuple[int, int]],
    statistics_bytes: Sequence[int],
    column_bytes: int,
    block_bytes: int,
) -> tuple[ColumnBlock, ...]:
    """Cut the columns into blocks of which one fits the memory given, and its statistics do.

    Layers that fit share a block; a longer one has blocks of its own.

    Args:
        layers: Range of every layer in the projected gradient, in order.
        statistics_bytes: Memory of the statistics of every layer.
        column_bytes: Memory of one column of all segments.
        block_bytes: Memory of one block, and of the statistics of the layers that share it.
    """
    width = max(1, block_bytes // max(1, column_bytes))
    blocks: list[ColumnBlock] = []
    room = 0
    for index, ((start, end), needed) in enumerate(zip(layers, statistics_bytes, strict=True)):
        last = blocks[-1] if blocks else None
        if last is not None and end - last.start <= width and needed <= room:
            blocks[-1] = ColumnBlock(last.start, end, range(last.layers.start, index + 1))
            room -= needed
            continue
        cuts = [*range(start, end, width), end] if end > start else [start, end]
        pieces = pairwise(cuts)
        blocks += [
            ColumnBlock(first, after, range(index, index + 1), goes_on=first > start)
            for first, after in pieces
        ]
        # What follows the last piece of a long layer has a block of its own.
        room = block_bytes - needed if len(cuts) == 2 else 0
    return tuple(blocks)
