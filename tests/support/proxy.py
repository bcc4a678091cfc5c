"""A network between a client and a server that does what networks do."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum

_CHUNK = 1 << 16
_PER_SECOND = 20
"""Parts of what drips."""


class Fault(Enum):
    """What becomes of a request that is waited for."""

    LOST = "the connection ends before it arrives"
    UNANSWERED = "it arrives, and the connection ends before the answer does"
    SILENT = "it arrives, and nothing comes back"


@dataclass(eq=False)
class _Connection:
    """A connection that is passed on, and what becomes of its answers."""

    client: socket.socket
    server: socket.socket
    allowance: int | None
    """Bytes that may still come back; None: all."""
    hold: bool
    """Whether it stays open after them."""
    muted: Fault | None = None

    def end(self) -> None:
        for each in (self.client, self.server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def answers(self) -> Iterator[bytes]:
        """What the server says, for as long as it may be heard."""
        while self.allowance != 0 and (content := self.server.recv(_CHUNK)):
            # The answer is here, so the request has had its effect.
            if self.muted is Fault.UNANSWERED:
                return
            if self.muted is Fault.SILENT:
                continue
            if self.allowance is not None:
                content = content[: self.allowance]
                self.allowance -= len(content)
            yield content


class Proxy:
    """Passes connections on; or, for as many as it is told, refuses, swallows, cuts or holds them."""

    def __init__(self, target: int) -> None:
        """Pass on to a port of this machine."""
        self.target = target
        """Where the next connections go."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.connections = 0
        self.held = threading.Event()
        """Set once a connection has been held."""
        self._lock = threading.Lock()
        self._open: set[_Connection] = set()
        self._left = 0
        self._bytes = 0
        self._hold = False
        self._bytes_per_second = 0
        self._fault: Fault | None = None
        self._awaited = b""
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(
        self,
        times: int,
        after_bytes: int | None = 0,
        *,
        hold: bool = False,
        open_ones: bool = True,
    ) -> None:
        """End what is open, and each of the next connections once so many bytes came back.

        Args:
            times: How many.
            after_bytes: 0: at once; None: never, but nothing comes back.
            hold: Leave them open, with nothing more that comes back, until the next cut.
            open_ones: Whether those that are open end too.
        """
        with self._lock:
            self.connections = 0
            self._left, self._bytes = times, after_bytes or 0
            self._hold = hold or after_bytes is None
            for each in self._open if open_ones else ():
                each.end()

    def swallow(self) -> None:
        """Pass on what clients say on the connections that are open, and nothing of the answers."""
        with self._lock:
            for each in self._open:
                each.muted = Fault.SILENT

    def fail_at(self, awaited: bytes, fault: Fault) -> None:
        """Let the next request that has these bytes come to grief; once."""
        with self._lock:
            self._awaited, self._fault = awaited, fault

    @property
    def failed(self) -> bool:
        """Whether no request is waited for any more."""
        with self._lock:
            return self._fault is None

    def drip(self, bytes_per_second: int) -> None:
        """Let answers through at this speed, also on open connections; 0: as they come."""
        self._bytes_per_second = bytes_per_second

    def close(self) -> None:
        self._bytes_per_second = 0
        self.cut(0)
        # Alone, `close` would leave the thread in its `accept`.
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            faulty = self._left > 0
            self._left -= faulty
            allowance, hold = (self._bytes, self._hold) if faulty else (None, False)
        with (
            client,
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.target)) as server,
        ):
            connection = _Connection(client, server, allowance, hold)
            with self._lock:
                self._open.add(connection)
            up = threading.Thread(target=self._pass_up, args=(connection,), daemon=True)
            up.start()
            self._pass_down(connection)
            if hold:
                self.held.set()
                up.join()
            connection.end()
            up.join()
            with self._lock:
                self._open.remove(connection)

    def _pass_down(self, connection: _Connection) -> None:
        with suppress(OSError):
            for content in connection.answers():
                for part in self._in_parts(content):
                    connection.client.sendall(part)

    def _in_parts(self, content: bytes) -> Iterator[bytes]:
        """Content in parts that come when they are due."""
        while content and (speed := self._bytes_per_second):
            part = max(1, speed // _PER_SECOND)
            yield content[:part]
            content = content[part:]
            time.sleep(part / speed)
        yield content

    def _pass_up(self, connection: _Connection) -> None:
        with suppress(OSError):
            while content := connection.client.recv(_CHUNK):
                fault = self._fault_of(content)
                if fault is Fault.LOST:
                    connection.end()
                    return
                connection.muted = fault or connection.muted
                connection.server.sendall(content)

    def _fault_of(self, content: bytes) -> Fault | None:
        with self._lock:
            if self._fault is None or self._awaited not in content:
                return None
            fault, self._fault = self._fault, None
            return fault


@contextmanager
def between(target: int) -> Iterator[Proxy]:
    """A proxy of a port."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
