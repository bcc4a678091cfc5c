"""The messages of Arrow's stream format by their headers alone, so that sizes are known before reading.

A file of Arrow's file format is a stream behind a mark of eight bytes, and a directory at its end
that is not needed. The headers are flatbuffers, of which only plain numbers are taken here.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from interference_service.references.data.files import DataFile

FILE_MARK = b"ARROW1\x00\x00"
MAX_HEADER_BYTES = 16 << 20
MAX_BODY_BYTES = 1 << 30
"""A batch of rows that is larger, as it is stored or unfolded, is refused."""
MAX_BATCH_ROWS = 1 << 26

_CONTINUATION = 0xFFFFFFFF
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3
_DATA = 1


class MessageKind(IntEnum):
    """What a message holds, as its header numbers it."""

    SCHEMA = 1
    DICTIONARY = 2
    ROWS = 3


@dataclass(frozen=True, slots=True)
class Message:
    """Where a message lies and what it has.

    Attributes:
        kind: Of its content.
        start: Where it begins in the file.
        body: Where its body begins.
        stop: Where the next message begins.
        num_rows: Rows, of a batch of rows.
        compressed: Where each compressed buffer begins in the body; its first eight bytes are the
            length that it unfolds to.
    """

    kind: MessageKind
    start: int
    body: int
    stop: int
    num_rows: int
    compressed: tuple[int, ...]


def first_message(file: DataFile) -> int:
    """Where the first message begins, by the mark of the file format."""
    return len(FILE_MARK) if file.size >= 8 and file.read(0, 8) == FILE_MARK else 0


def messages(file: DataFile, start: int) -> Iterator[Message]:
    """Messages one after the other, by their headers.

    Yields:
        A message.

    Raises:
        InputUnavailable: The file is damaged or ends too early.
        InputUnsupported: A message is larger than what is read.
    """
    while True:
        message = message_at(file, start)
        if message is None:
            return
        yield message
        start = message.stop


def message_at(file: DataFile, start: int) -> Message | None:
    """The message that begins at a place; none at the end of the stream.

    Raises:
        InputUnavailable: See ``messages``.
        InputUnsupported: See ``messages``.
    """
    if start == file.size and start > len(FILE_MARK):
        return None
    continuation, length = struct.unpack("<II", file.read(start, 8))
    if continuation != _CONTINUATION:
        raise file.damaged("it has no message where one is due; write it with Arrow 0.15 or later")
    if length == 0:
        return None
    if length > MAX_HEADER_BYTES:
        raise file.refused(f"has a header of {length} bytes; at most {MAX_HEADER_BYTES} are read")
    header = file.read(start + 8, length)
    return file.guarded(lambda: _message(file, header, start))


def _message(file: DataFile, header: bytes, start: int) -> Message:
    root = _Table(header, *struct.unpack_from("<I", header))
    kind = MessageKind(root.number(_HEADER_TYPE, "<B"))
    size = root.number(_BODY_LENGTH, "<q")
    body = start + 8 + len(header)
    if not 0 <= size <= MAX_BODY_BYTES:
        raise file.refused(
            f"has a batch of {size} bytes; at most {MAX_BODY_BYTES} are read, so write smaller batches"
        )
    if body + size > file.size:
        raise file.damaged("it ends too early")
    content = root.table(_HEADER)
    if kind is MessageKind.DICTIONARY:
        content = content.table(_DATA)
    rows = content.number(_LENGTH, "<q") if kind is not MessageKind.SCHEMA else 0
    if not 0 <= rows <= MAX_BATCH_ROWS:
        raise file.refused(
            f"has a batch of {rows} rows; at most {MAX_BATCH_ROWS} are read, so write smaller batches"
        )
    compressed = kind is not MessageKind.SCHEMA and content.has(_COMPRESSION)
    buffers = content.pairs(_BUFFERS) if compressed else ()
    starts = tuple(offset for offset, length in buffers if length > 0)
    if any(not 0 <= offset <= size - 8 for offset in starts):
        raise file.damaged("a buffer lies outside of its batch")
    return Message(kind, start, body, body + size, rows, starts)


def unfolded_bytes(body: memoryview, compressed: tuple[int, ...]) -> int:
    """What the compressed buffers of a body say that they unfold to, together."""
    lengths = (struct.unpack_from("<q", body, start)[0] for start in compressed)
    # Minus one stands for a buffer that was left as it was.
    return sum(max(0, length) for length in lengths)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of a flatbuffer; fields by their numbers."""

    buffer: bytes
    start: int

    def has(self, field: int) -> bool:
        return self._place(field) > 0

    def number(self, field: int, form: str) -> int:
        place = self._place(field)
        return int(struct.unpack_from(form, self.buffer, place)[0]) if place else 0

    def table(self, field: int) -> "_Table":
        return _Table(self.buffer, self._referred(field))

    def pairs(self, field: int) -> tuple[tuple[int, int], ...]:
        """A vector of structures of two integers of 64 bits."""
        start = self._referred(field)
        count = struct.unpack_from("<I", self.buffer, start)[0]
        end = start + 4 + 16 * count
        if end > len(self.buffer):
            raise ValueError("a list reaches outside of its header")
        return tuple(struct.iter_unpack("<qq", self.buffer[start + 4 : end]))

    def _referred(self, field: int) -> int:
        place = self._place(field)
        if not place:
            raise ValueError("a header lacks a field")
        return place + int(struct.unpack_from("<I", self.buffer, place)[0])

    def _place(self, field: int) -> int:
        """Where a field lies; 0 where it has its default."""
        fields = self.start - struct.unpack_from("<i", self.buffer, self.start)[0]
        if fields < 0:
            raise ValueError("a table lies outside of its header")
        size = struct.unpack_from("<H", self.buffer, fields)[0]
        place = 4 + 2 * field
        if place >= size:
            return 0
        offset = int(struct.unpack_from("<H", self.buffer, fields + place)[0])
        return self.start + offset if offset else 0
