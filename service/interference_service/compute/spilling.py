"""Where the cluster beside the service puts what its object store has no room for."""

import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)
_LOCK = ".lock"


@contextmanager
def spilling_directory(parent: Path) -> Iterator[Path]:
    """A directory of this process alone, which is removed at the end.

    Those of processes that were killed are removed first. Services that share the parent do not
    disturb each other: each holds a lock, which ends with its process, however that ends.

    Args:
        parent: Is made if it is missing; holds nothing else.

    Yields:
        The directory.

    Raises:
        OSError: The parent cannot be written.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(parent)
    directory = parent / secrets.token_hex(8)
    lock = directory.with_suffix(_LOCK)
    # The lock comes before the directory, so that no directory is ever seen without its holder.
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        directory.mkdir()
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _remove_abandoned(parent: Path) -> None:
    for directory in (each for each in parent.iterdir() if each.is_dir()):
        lock = directory.with_suffix(_LOCK)
        with lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(directory, ignore_errors=True)
            lock.unlink(missing_ok=True)
        _log.info("spilled_files_removed", directory=str(directory))
