"""Files of the operator that are read again when they change."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from interference_service.domain.access import Source

_log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")
Failed = Callable[[Source], None]
"""Is told of a change that cannot be used."""
Stamp = tuple[tuple[int, ...] | None, ...]


class UnusableFile(OSError):
    """A file of the operator that cannot be used; says which and why, and nothing it holds."""


class Watched(Generic[T]):
    """What some files say, as of now; for any thread.

    Files are looked at whenever somebody asks, and read only when they have changed. What cannot
    be used then is complained of once, and what was read before stays in force.

    Args:
        source: What the files are.
        paths: The files.
        read: Reads them; raises UnusableFile.
        failed: Is told the source whenever a change cannot be used.

    Raises:
        UnusableFile: They cannot be used, the first time.
    """

    def __init__(
        self,
        source: Source,
        paths: Sequence[Path],
        read: Callable[[], T],
        failed: Failed,
    ) -> None:
        self._source = source
        self._paths = tuple(paths)
        self._read = read
        self._failed = failed
        self._lock = threading.Lock()
        # Before they are read, so that a change while they are read is seen the next time.
        self._stamp = self._look()
        self._value = read()

    def current(self) -> T:
        """What the files say, or said when they could last be used."""
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._renew()
            return self._value

    def _renew(self) -> None:
        try:
            self._value = self._read()
        except UnusableFile as error:
            _log.error("changed file cannot be used", source=self._source.value, why=str(error))
            self._failed(self._source)
        else:
            _log.info("changed file read", source=self._source.value)

    def _look(self) -> Stamp:
        return tuple(map(_stamp, self._paths))


def read_bytes(path: Path) -> bytes:
    """What the file holds; raises UnusableFile."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableFile(f"{path}: cannot be read ({error.strerror})") from error


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
