"""A file of which only ranges can be had, read in few requests."""

import io
from collections.abc import Callable
from typing import Any, BinaryIO, TypeAlias

FIRST_BYTES = 64 << 10
"""Of a request after a jump; the footer of a Parquet file costs no more."""
MOST_BYTES = 4 << 20
"""Of a request; those of a file that is read from front to back grow to it."""

Answer: TypeAlias = Callable[[], bytes | memoryview]
"""Waits for what was requested."""
Request: TypeAlias = Callable[[int, int], Answer]
"""Begins to fetch so many bytes from a position; both lie in the file."""


def open_ranged(size: int, request: Request) -> BinaryIO:
    """A file from its start, for random access.

    Args:
        size: In bytes.
        request: Fetches; what it raises goes to the reader.
    """
    return io.BufferedReader(_RangedFile(size, request))


class _RangedFile(io.RawIOBase):
    """Keeps the last range; one that goes on where the last ended is doubled, the next one asked for."""

    def __init__(self, size: int, request: Request) -> None:
        super().__init__()
        self._size = size
        self._request = request
        self._position = 0
        self._start = 0
        self._held: bytes | memoryview = b""
        self._length = 0
        self._ahead: tuple[int, int, Answer] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"cannot seek to {base + offset}, before the start of the file")
        self._position = base + offset
        return self._position

    # Any: whatever can be written to.
    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        wanted = min(len(target), self._size - self._position)
        if wanted <= 0:
            return 0
        if not self._start <= self._position < self._start + len(self._held):
            self._fetch(wanted)
        at = self._position - self._start
        part = self._held[at : at + wanted]
        target[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _fetch(self, wanted: int) -> None:
        end = self._start + len(self._held)
        onward = bool(self._held) and end <= self._position <= end + self._length
        self._length = min(2 * self._length, MOST_BYTES) if onward else FIRST_BYTES
        self._length = max(self._length, min(wanted, MOST_BYTES))
        start, answer = self._position, None
        if self._ahead is not None and self._ahead[0] <= self._position < self._ahead[1]:
            start, _, answer = self._ahead
        self._ahead = None
        if answer is None:
            answer = self._request(start, min(self._length, self._size - start))
        self._held, self._start = answer(), start
        after = start + len(self._held)
        if onward and after < self._size:
            length = min(2 * self._length, MOST_BYTES, self._size - after)
            self._ahead = (after, after + length, self._request(after, length))
