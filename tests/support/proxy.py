"""A network between a client and a server that does what networks do."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 1 << 16


class Proxy:
    """Passes connections on; or, for as many as it is told, refuses, swallows or cuts them."""

    def __init__(self, target: int) -> None:
        """Pass on to a port of this machine."""
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.connections = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._left = 0
        self._bytes: int | None = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, times: int, after_bytes: int | None = 0) -> None:
        """End what is open, and each of the next connections once so many bytes came back.

        Args:
            times: How many.
            after_bytes: 0: at once; None: never, but nothing comes back.
        """
        with self._lock:
            self.connections = 0
            self._left, self._bytes = times, after_bytes
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

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
            allowance = self._bytes if faulty else None
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            with self._lock:
                self._open |= {client, server}
            up = threading.Thread(target=_pass, args=(client, server, None), daemon=True)
            up.start()
            if faulty and allowance is None:
                up.join()
            else:
                _pass(server, client, allowance)
            for each in (client, server):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            up.join()
            with self._lock:
                self._open -= {client, server}


def _pass(source: socket.socket, target: socket.socket, allowance: int | None) -> None:
    with suppress(OSError):
        while allowance != 0 and (content := source.recv(_CHUNK)):
            if allowance is not None:
                content = content[:allowance]
                allowance -= len(content)
            target.sendall(content)


@contextmanager
def between(target: int) -> Iterator[Proxy]:
    """A proxy of a port."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
