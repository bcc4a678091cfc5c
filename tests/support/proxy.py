"""A network between a client and a server that does what networks do."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_CHUNK = 1 << 16


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
        self._open: set[socket.socket] = set()
        self._left = 0
        self._bytes: int | None = 0
        self._hold = False
        self._swallowing = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, times: int, after_bytes: int | None = 0, *, hold: bool = False) -> None:
        """End what is open, and each of the next connections once so many bytes came back.

        Args:
            times: How many.
            after_bytes: 0: at once; None: never, but nothing comes back.
            hold: Leave them open, with nothing more that comes back, until the next cut.
        """
        with self._lock:
            self.connections = 0
            self._left, self._bytes, self._hold = times, after_bytes, hold
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def swallow(self) -> None:
        """Pass on what clients say on the connections that are open, and nothing of the answers."""
        with self._lock:
            self._swallowing += 1

    def close(self) -> None:
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
            before = self._swallowing
        with (
            client,
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.target)) as server,
        ):
            with self._lock:
                self._open |= {client, server}
            up = threading.Thread(target=_pass, args=(client, server), daemon=True)
            up.start()
            if not faulty or allowance is not None:
                _pass(server, client, allowance, lambda: self._swallowing > before)
            if faulty and (hold or allowance is None):
                self.held.set()
                up.join()
            for each in (client, server):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            up.join()
            with self._lock:
                self._open -= {client, server}


def _pass(
    source: socket.socket,
    target: socket.socket,
    allowance: int | None = None,
    swallowed: Callable[[], bool] = lambda: False,
) -> None:
    with suppress(OSError):
        while allowance != 0 and (content := source.recv(_CHUNK)):
            if allowance is not None:
                content = content[:allowance]
                allowance -= len(content)
            if not swallowed():
                target.sendall(content)


@contextmanager
def between(target: int) -> Iterator[Proxy]:
    """A proxy of a port."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
