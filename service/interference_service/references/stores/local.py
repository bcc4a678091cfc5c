"""A directory of this machine as a store."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from interference_service.errors import AnalysisError, InputUnavailable, InputUnsupported
from interference_service.references.stores.store import Entry, Place, below

MAX_DEPTH = 32
"""Directories within directories."""


@dataclass(frozen=True, slots=True)
class LocalStore:
    """Files below a directory; see ``Store``.

    Every component is opened from the directory before it and no link is followed, so nothing
    outside is reached, not even by one who changes directories meanwhile.
    """

    root: Path

    def open(self, path: tuple[str, ...], place: Place, version: str = "") -> BinaryIO:
        """See ``Store.open``."""
        with self._directory(path[:-1], place) as directory:
            # A pipe would block the open for ever.
            descriptor = _open_at(directory, path[-1], os.O_NONBLOCK, place)
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and version in {"", _version(status)}:
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
        if stat.S_ISREG(status.st_mode):
            raise InputUnavailable.at(place.field, f"{place.uri!r} was changed while it was read")
        raise InputUnsupported.at(place.field, f"{place.uri!r} is not a regular file")

    def entry(self, path: tuple[str, ...], place: Place) -> Entry:
        """See ``Store.entry``."""
        with self.open(path, place) as file:
            return _entry("", os.fstat(file.fileno()))

    def entries(self, path: tuple[str, ...], place: Place) -> Iterator[Entry]:
        """See ``Store.entries``.

        Yields:
            The files.
        """
        with self._directory(path, place) as directory:
            yield from _below(directory, (), place)

    def path_of(self, location: str) -> tuple[str, ...] | None:
        """See ``Store.path_of``."""
        return below(location.removeprefix("file://"), str(self.root))

    @contextmanager
    def _directory(self, path: tuple[str, ...], place: Place) -> Iterator[int]:
        """A directory of the store, opened.

        Yields:
            Its descriptor.
        """
        directory = _open_root(self.root, place)
        try:
            for part in path:
                below = _open_at(directory, part, os.O_DIRECTORY, place)
                os.close(directory)
                directory = below
            yield directory
        finally:
            os.close(directory)


def _below(directory: int, above: tuple[str, ...], place: Place) -> Iterator[Entry]:
    if len(above) > MAX_DEPTH:
        raise InputUnsupported.at(
            place.field, f"{place.uri!r} has directories nested deeper than {MAX_DEPTH}"
        )
    for name in sorted(os.listdir(directory)):
        if name.startswith((".", "_")):
            continue
        path = (*above, name)
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            yield _entry("/".join(path), status)
        elif stat.S_ISDIR(status.st_mode):
            below = _open_at(directory, name, os.O_DIRECTORY, place)
            try:
                yield from _below(below, path, place)
            finally:
                os.close(below)
        else:
            raise InputUnsupported.at(
                place.field,
                f"{place.uri!r} has {'/'.join(path)!r}, which is a link or no regular file; links "
                "are not followed",
            )


def _entry(path: str, status: os.stat_result) -> Entry:
    return Entry(path, status.st_size, _version(status))


def _version(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"


def _open_root(root: Path, place: Place) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InputUnavailable.at(
            place.field,
            f"the store of {place.uri!r} cannot be read: {error.strerror}; ask the operator",
        ) from error


def _open_at(directory: int, part: str, flags: int, place: Place) -> int:
    try:
        return os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=directory)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing_or_link(directory, part, place) from error
    except OSError as error:
        raise _missing_or_link(directory, part, place, error) from error


def _missing_or_link(
    directory: int, part: str, place: Place, error: OSError | None = None
) -> AnalysisError:
    try:
        linked = stat.S_ISLNK(os.stat(part, dir_fd=directory, follow_symlinks=False).st_mode)
    except OSError:
        linked = False
    if linked:
        return InputUnsupported.at(
            place.field,
            f"{place.uri!r} leads through a link, which is not followed; name the file itself",
        )
    if error is None or isinstance(error, FileNotFoundError):
        return InputUnavailable.at(place.field, f"there is no file {place.uri!r}")
    return InputUnavailable.at(place.field, f"{place.uri!r} cannot be read: {error.strerror}")
