"""Batches of a unit's rows, decoded while the batch before is differentiated."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from interference_service.compute.context import RowBlock, SegmentTask
from interference_service.references.data.columns import Rows

T = TypeVar("T")
R = TypeVar("R")

Cut = tuple[NDArray[np.int64], NDArray[np.int64], tuple[tuple[int, int], ...]]
"""Block and position of every row of a batch, and its runs."""


def cut(segments: Sequence[SegmentTask], batch_rows: int, *, mixed: bool) -> Iterator[Cut]:
    """Cut the rows of segments into batches.

    Args:
        segments: In the order of their numbers.
        batch_rows: Most rows of a batch.
        mixed: Whether a batch may hold rows of several segments.

    Yields:
        The batches, in the order of the segments.
    """
    if not mixed:
        for number, each in enumerate(segments):
            yield from (_batch(each_cut) for each_cut in _pieces([(number, each)], batch_rows))
        return
    yield from (_batch(each) for each in _pieces([*enumerate(segments)], batch_rows))


def _pieces(
    segments: Sequence[tuple[int, SegmentTask]], batch_rows: int
) -> Iterator[list[tuple[int, SegmentTask, slice]]]:
    batch: list[tuple[int, SegmentTask, slice]] = []
    room = batch_rows
    for number, segment in segments:
        start, count = 0, len(segment.position)
        while start < count:
            taken = min(room, count - start)
            batch.append((number, segment, slice(start, start + taken)))
            start, room = start + taken, room - taken
            if not room:
                yield batch
                batch, room = [], batch_rows
    if batch:
        yield batch


def _batch(pieces: Sequence[tuple[int, SegmentTask, slice]]) -> Cut:
    return (
        np.concatenate([segment.block[here] for _, segment, here in pieces]),
        np.concatenate([segment.position[here] for _, segment, here in pieces]),
        tuple((number, here.stop - here.start) for number, _, here in pieces),
    )


def gathered(
    blocks: Sequence[RowBlock], block: NDArray[np.int64], position: NDArray[np.int64]
) -> tuple[Rows, NDArray[np.signedinteger]]:
    """Rows in the order asked for, from the blocks that hold them.

    Args:
        blocks: Rows with their targets.
        block: Block of every row. Has shape ``[n]``.
        position: Its position in the block. Has shape ``[n]``.
    """
    order = np.argsort(block, kind="stable")
    parts, targets = [], []
    for each in np.unique(block):
        mine = position[order[block[order] == each]]
        parts.append(blocks[each].rows.take(mine))
        targets.append(blocks[each].targets[mine])
    back = np.argsort(order)
    return Rows.concatenate(parts).take(back), np.concatenate(targets)[back]


def ahead(
    make: Callable[[T], R], items: Iterator[T], threads: ThreadPoolExecutor, at_work: int = 1
) -> Iterator[R]:
    """``make`` of every item, the next ones at work in threads while this one is used.

    Args:
        make: Decoding releases the interpreter, so that it runs beside the computation.
        items: What to make.
        threads: Where it is made.
        at_work: How many are made ahead, whose results are held in memory.

    Yields:
        The results in order.
    """
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(threads.submit(make, item))
            if len(waiting) > at_work:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for each in waiting:
            each.cancel()
