"""HTTP/2 by hand, for what no well-behaved library sends (RFC 9113, RFC 7541)."""

import re
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(6, 10)
END_STREAM, END_HEADERS = 1, 4
INITIAL_WINDOW = 4
"""The setting by which a side says how much it is ready to take of a stream."""

Headers = Sequence[tuple[str | bytes, str | bytes]]
_STATUS = re.compile(rb"grpc-status.(\d+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Frame:
    """What came."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def grpc_status(self) -> int | None:
        """The status that these headers hold, where they are the first that hold one."""
        found = _STATUS.search(self.payload) if self.kind == HEADERS else None
        return int(found[1]) if found else None


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def setting(identifier: int, value: int) -> bytes:
    """One setting, for the payload of SETTINGS."""
    return struct.pack(">HI", identifier, value)


def block(headers: Headers) -> bytes:
    """Headers as literals that are never indexed, so that no state is needed."""
    return b"".join(b"\x10" + _text(name) + _text(value) for name, value in headers)


def message(body: bytes) -> bytes:
    """A message as gRPC has it in DATA."""
    return b"\0" + struct.pack(">I", len(body)) + body


def _text(text: str | bytes) -> bytes:
    encoded = text.encode() if isinstance(text, str) else text
    return _integer(len(encoded)) + encoded


def _integer(number: int) -> bytes:
    """A number of 7 bits and more."""
    if number < 127:
        return bytes([number])
    number -= 127
    coded = bytearray([127])
    while number >= 128:
        coded.append(number % 128 + 128)
        number //= 128
    return bytes([*coded, number])


class Connection:
    """One connection, which sends what it is told to and answers nothing by itself."""

    def __init__(self, port: int, *, window: int = 65_535, seconds: float = 10.0) -> None:
        """Connect and begin to speak.

        Args:
            port: Of this machine.
            window: Bytes of a stream that may be sent here without being asked for again.
            seconds: Longest wait for anything.
        """
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self._received = b""
        self._next = 1
        self.send(PREFACE + frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW, window)))

    def send(self, raw: bytes) -> bool:
        """Send bytes; false where the other side has closed."""
        try:
            self._socket.sendall(raw)
        except OSError:
            return False
        return True

    def open(self, path: str, more: Headers = (), *, end_headers: bool = True) -> int:
        """Begin a call; returns its stream."""
        stream, self._next = self._next, self._next + 2
        headers: Headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            *more,
        ]
        self.send(frame(HEADERS, END_HEADERS if end_headers else 0, stream, block(headers)))
        return stream

    def send_data(self, stream: int, raw: bytes, *, end: bool = True) -> bool:
        """Send bytes of a stream; false where the other side has closed."""
        return self.send(frame(DATA, END_STREAM if end else 0, stream, raw))

    def call(self, path: str, body: bytes, more: Headers = ()) -> int:
        """Make a whole call of one message; returns its stream."""
        stream = self.open(path, more)
        self.send_data(stream, message(body))
        return stream

    def frames(self) -> Iterator[Frame]:
        """What comes, until the other side closes.

        Raises:
            TimeoutError: Nothing came for too long.
        """
        while len(head := self._read(9)) == 9:
            size = int.from_bytes(head[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            yield Frame(kind, flags, stream, self._read(size))

    def status(self) -> int | None:
        """The status of the first call that ends; None where the connection does."""
        found = (each.grpc_status for each in self.frames())
        return next((each for each in found if each is not None), None)

    def _read(self, size: int) -> bytes:
        while len(self._received) < size:
            try:
                more = self._socket.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                return b""
            self._received += more
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def closed(self) -> bool:
        """Whether the other side closes within the longest wait."""
        try:
            for _ in self.frames():
                pass
        except TimeoutError:
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
