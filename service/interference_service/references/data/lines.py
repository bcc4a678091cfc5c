"""Files of a row a line, cut where rows end without reading more than a block at a time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from interference_service.references.data import table as tables
from interference_service.references.data.files import DataFile, Part

BLOCK_BYTES = 1 << 20
MAX_ROW_BYTES = 16 << 20
"""A row that is longer is refused."""

_NEWLINE = ord("\n")


class LineEnds:
    """Ends of rows that are no empty lines; a newline ends a row wherever it stands."""

    def __init__(self, blank: bytes) -> None:
        """Begin.

        Args:
            blank: What an empty line may have.
        """
        self._blank = np.frombuffer(blank, dtype=np.uint8)
        self._empty = True

    def __call__(self, block: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Where rows end in the next block: behind which of its bytes. Has shape ``[n]``."""
        newlines = self._newlines(block)
        filled = np.cumsum(~np.isin(block, self._blank))
        before = np.concatenate([[0], filled[newlines]])
        has_content = np.diff(before) > 0
        if len(newlines):
            has_content[0] |= not self._empty
            self._empty = bool(filled[-1] == before[-1])
        else:
            self._empty &= not len(filled) or bool(filled[-1] == 0)
        return newlines[has_content] + 1

    def _newlines(self, block: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The newlines that end rows, in the next block."""
        return np.flatnonzero(block == _NEWLINE)

    @property
    def inside(self) -> bool:
        """Whether a row has begun that has not ended."""
        return not self._empty


def parts(file: DataFile, start: int, ends: LineEnds) -> Iterator[Part]:
    """Ranges of the file with about as many rows as a fragment has.

    Args:
        file: The file.
        start: Where its rows begin.
        ends: Finds where they end.

    Yields:
        First byte and end of a range, and its rows.

    Raises:
        InputUnsupported: A row is too long.
    """
    first, rows, last = start, 0, start
    for offset in range(start, file.size, BLOCK_BYTES):
        block = np.frombuffer(file.read(offset, min(BLOCK_BYTES, file.size - offset)), np.uint8)
        stops = offset + ends(block)
        while len(stops) >= tables.FRAGMENT_ROWS - rows:
            stop = int(stops[tables.FRAGMENT_ROWS - rows - 1])
            stops = stops[tables.FRAGMENT_ROWS - rows :]
            yield Part((first, stop), tables.FRAGMENT_ROWS)
            first, rows, last = stop, 0, stop
        if len(stops):
            rows, last = rows + len(stops), int(stops[-1])
        if rows and last - first >= tables.FRAGMENT_BYTES:
            yield Part((first, last), rows)
            first, rows = last, 0
        if offset + len(block) - last > MAX_ROW_BYTES:
            raise file.refused(
                f"has a row of more than {MAX_ROW_BYTES >> 20} MiB, the longest that is read"
            )
    # The last row needs no newline.
    rows += ends.inside
    if rows:
        yield Part((first, file.size), rows)
