"""Stores: the directories that the operator named, and nothing else."""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from interference_service.errors import AnalysisError, InputUnavailable, InputUnsupported

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\%?#]")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Stores:
    """Directories by name; URIs are ``{store}://{path}``, or ``file:///…`` below one of them."""

    roots: Mapping[str, Path]

    def open(self, uri: str, field: str) -> BinaryIO:
        """Open a file for reading.

        Every component is opened from the directory before it and no link is followed, so nothing
        outside a store is reached, not even by one who changes directories meanwhile.

        Args:
            uri: As the client wrote it.
            field: Path of the field below the specification, for errors.

        Raises:
            InputUnsupported: The URI is outside the stores, has forbidden parts, or is no file.
            InputUnavailable: There is no such file, or it cannot be read.
        """
        root, parts = self._locate(uri, field)
        directory = _open_root(root, uri, field)
        try:
            for part in parts[:-1]:
                below = _open_at(directory, part, os.O_DIRECTORY, uri, field)
                os.close(directory)
                directory = below
            # A pipe would block the open for ever.
            descriptor = _open_at(directory, parts[-1], os.O_NONBLOCK, uri, field)
        finally:
            os.close(directory)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise InputUnsupported.at(field, f"{uri!r} is not a regular file")
        return os.fdopen(descriptor, "rb")

    def check(self, uri: str, field: str) -> None:
        """Raise what ``open`` would raise, without reading."""
        self.open(uri, field).close()

    def _locate(self, uri: str, field: str) -> tuple[Path, list[str]]:
        store, separator, path = uri.partition("://")
        if not separator or _FORBIDDEN.search(path):
            raise InputUnsupported.at(
                field,
                f"{uri!r} is not a reference; it must be store://path without %, ?, #, backslashes "
                f"and control characters, where store is {self._names()}",
            )
        if store == "file":
            return self._below_a_root(uri, path, field)
        if store not in self.roots:
            raise InputUnsupported.at(
                field, f"names the store {store!r}; the stores of this server are {self._names()}"
            )
        return self.roots[store], _parts(uri, path, field)

    def _below_a_root(self, uri: str, path: str, field: str) -> tuple[Path, list[str]]:
        parts = _parts(uri, path.removeprefix("/"), field)
        absolute = Path("/", *parts)
        holding = [root for root in self.roots.values() if absolute.is_relative_to(root)]
        if not path.startswith("/") or len(holding) != 1:
            raise InputUnsupported.at(
                field,
                f"{uri!r} is not below exactly one store of this server; they are {self._names()}",
            )
        return holding[0], _parts(uri, str(absolute.relative_to(holding[0])), field)

    def _names(self) -> str:
        return ", ".join(sorted(self.roots)) or "none: the operator named no store"


def _parts(uri: str, path: str, field: str) -> list[str]:
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise InputUnsupported.at(
            field, f"{uri!r} has an empty, '.' or '..' component; write the path of the file itself"
        )
    return parts


def _open_root(root: Path, uri: str, field: str) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InputUnavailable.at(
            field, f"the store of {uri!r} cannot be read: {error.strerror}; ask the operator"
        ) from error


def _open_at(directory: int, part: str, flags: int, uri: str, field: str) -> int:
    try:
        return os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=directory)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing_or_link(directory, part, uri, field) from error
    except OSError as error:
        raise _missing_or_link(directory, part, uri, field, error) from error


def _missing_or_link(
    directory: int, part: str, uri: str, field: str, error: OSError | None = None
) -> AnalysisError:
    try:
        linked = stat.S_ISLNK(os.stat(part, dir_fd=directory, follow_symlinks=False).st_mode)
    except OSError:
        linked = False
    if linked:
        return InputUnsupported.at(
            field, f"{uri!r} leads through a link, which is not followed; name the file itself"
        )
    if error is None or isinstance(error, FileNotFoundError):
        return InputUnavailable.at(field, f"there is no file {uri!r}")
    return InputUnavailable.at(field, f"{uri!r} cannot be read: {error.strerror}")


def digest(file: BinaryIO) -> str:
    """``sha256:…`` of a file from its present position; it is rewound afterwards."""
    total = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        total.update(chunk)
    file.seek(0)
    return f"sha256:{total.hexdigest()}"


def open_verified(stores: Stores, uri: str, wanted: str, field: str) -> tuple[BinaryIO, str]:
    """Open a file and take its digest.

    Args:
        stores: The operator's stores.
        uri: As the client wrote it.
        wanted: Digest that the client expects; empty: any.
        field: ``model`` or ``data``'s path of the URI.

    Raises:
        InputUnavailable: It is missing, or has another digest.
    """
    file = stores.open(uri, field)
    found = digest(file)
    if wanted and found != wanted:
        file.close()
        raise InputUnavailable.at(
            field.partition(".")[0] + ".digest",
            f"is {wanted}, but {uri!r} has {found}; the file was changed after it was named",
        )
    return file, found
