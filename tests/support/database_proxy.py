"""A network between a service and its database, in which a request comes to grief when it is sent."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum

_CHUNK = 1 << 16


class Fault(Enum):
    """What becomes of a request that is waited for."""

    LOST = "the connection ends before it arrives"
    UNANSWERED = "it arrives, and the connection ends before the answer does"
    SILENT = "it arrives, and nothing comes back"


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
        self._fault: Fault | None = None
        self._awaited = b""
        self._muted: dict[socket.socket, Fault] = {}
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, times: int, after_bytes: int | None = 0, *, open_ones: bool = True) -> None:
        """End what is open, and each of the next connections once so many bytes came back.

        Args:
            times: How many.
            after_bytes: 0: at once; None: never, but nothing comes back.
            open_ones: Whether those that are open end too.
        """
        with self._lock:
            self.connections = 0
            self._left, self._bytes = times, after_bytes
            for each in self._open if open_ones else ():
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def fail_at(self, awaited: bytes, fault: Fault) -> None:
        """Let the next request that has these bytes come to grief; once."""
        with self._lock:
            self._awaited, self._fault = awaited, fault

    @property
    def failed(self) -> bool:
        """Whether no request is waited for any more."""
        with self._lock:
            return self._fault is None

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
            up = threading.Thread(target=self._pass_up, args=(client, server), daemon=True)
            up.start()
            if faulty and allowance is None:
                up.join()
            else:
                self._pass_down(server, client, allowance)
            for each in (client, server):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            up.join()
            with self._lock:
                self._open -= {client, server}
                self._muted.pop(server, None)

    def _pass_up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while content := client.recv(_CHUNK):
                fault = self._fault_of(content)
                if fault is Fault.LOST:
                    for each in (client, server):
                        each.shutdown(socket.SHUT_RDWR)
                    return
                if fault is not None:
                    self._muted[server] = fault
                server.sendall(content)

    def _fault_of(self, content: bytes) -> Fault | None:
        with self._lock:
            if self._fault is None or self._awaited not in content:
                return None
            fault, self._fault = self._fault, None
            return fault

    def _pass_down(
        self, server: socket.socket, client: socket.socket, allowance: int | None
    ) -> None:
        with suppress(OSError):
            while allowance != 0 and (content := server.recv(_CHUNK)):
                # The answer is here, so the request has had its effect.
                if self._muted.get(server) is Fault.UNANSWERED:
                    return
                if server in self._muted:
                    continue
                if allowance is not None:
                    content = content[:allowance]
                    allowance -= len(content)
                client.sendall(content)


@contextmanager
def between(target: int) -> Iterator[Proxy]:
    """A proxy of a port."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
