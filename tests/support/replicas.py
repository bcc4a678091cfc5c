"""Services that share a cluster, a database and their results, each to be killed and started again."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from interference_service.demo.server import running_service
from support.network_ports import free_port


class Replica:
    """One service, always at the same port."""

    def __init__(self, home: Path, stores: Mapping[str, Path], settings: Mapping[str, str]) -> None:
        self.port = free_port()
        self._home = home
        self._stores = stores
        self._settings = {**settings, "INTERFERENCE_PORT": str(self.port)}
        self._lock = threading.Lock()
        self._running = ExitStack()
        self._process = None
        home.mkdir()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._lock:
            service = running_service(self._home, self._stores, self._settings)
            self._process = self._running.enter_context(service).process

    def kill(self) -> None:
        """Kill it with ``SIGKILL``; what it started ends with its connection to the cluster."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            self._running.close()

    def stop(self) -> None:
        """Stop it as an operator would."""
        with self._lock:
            self._running.close()

    def log(self) -> str:
        """All that it has logged, of all its lives."""
        return (self._home / "service.log").read_text(errors="replace")


@contextmanager
def replicas(
    number: int, home: Path, stores: Mapping[str, Path], settings: Mapping[str, str]
) -> Iterator[list[Replica]]:
    """Start several services.

    Args:
        number: How many.
        home: Directory of their logs, and of the state that they share.
        stores: Directories that they may read.
        settings: Of all of them.

    Yields:
        The services.
    """
    shared = {**settings, "INTERFERENCE_STATE_DIRECTORY": str(home / "state")}
    made = [Replica(home / f"replica-{each}", stores, shared) for each in range(number)]
    try:
        for each in made:
            each.start()
        yield made
    finally:
        for each in made:
            each.stop()
