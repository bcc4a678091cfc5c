"""Stores: the places that the operator named, and nothing else."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.policy import ModelPolicy
from interference_service.references.stores.local import LocalStore
from interference_service.references.stores.store import Entry, Place, Store, is_name

MAX_ENTRIES = 1_000_000
"""Most files of a directory that is read."""

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\%?#]")
_CHUNK_BYTES = 1 << 20


class Stores:
    """Stores by name; URIs are ``{store}://{path}``, or ``file:///…`` below a local one."""

    def __init__(
        self, stores: Mapping[str, Store | Path], policy: ModelPolicy | None = None
    ) -> None:
        """Name the stores.

        Args:
            stores: By name; a path is a directory of this machine.
            policy: What is allowed of models that are read from them.
        """
        self.policy = policy or ModelPolicy()
        self._stores: dict[str, Store] = {
            name: LocalStore(each) if isinstance(each, Path) else each
            for name, each in stores.items()
        }

    def open(self, uri: str, field: str, version: str = "", *, listed: str = "") -> BinaryIO:
        """Open a file for reading, at its start and for random access.

        Args:
            uri: As the client wrote it.
            field: Path of the field below the specification, for errors.
            version: That it must have, as ``entry`` said; empty: any.
            listed: Path of the file below the directory that the URI names, as ``entries`` said;
                empty: the URI is the file.

        Raises:
            InputUnsupported: The URI is outside the stores, has forbidden parts, or is no file.
            InputUnavailable: There is no such file, it was changed, or it cannot be read.
        """
        store, path = self._below(uri, field, listed) if listed else self._locate(uri, field)
        return store.open(path, Place(uri + listed, field), version)

    def check(self, uri: str, field: str) -> None:
        """Raise what ``open`` would raise, without reading; a directory must have a file."""
        if uri.endswith("/"):
            self.entries(uri, field)
        else:
            self.entry(uri, field)

    def entry(self, uri: str, field: str) -> Entry:
        """Size and version of a file.

        Raises:
            InputUnsupported: See ``open``.
            InputUnavailable: See ``open``.
        """
        store, path = self._locate(uri, field)
        return store.entry(path, Place(uri, field))

    def entries(self, uri: str, field: str, *, listed: str = "") -> tuple[Entry, ...]:
        """The files below a directory in the order of their names.

        Args:
            uri: As the client wrote it, ending in ``/``.
            field: See ``open``.
            listed: Path of a directory below it, as in what ``entries`` said, ending in ``/``;
                empty: the URI is the directory.

        Raises:
            InputUnsupported: See ``open``; or there are too many.
            InputUnavailable: See ``open``; or there is none.
        """
        store, path = self._below(uri, field, listed)
        place = Place(uri + listed, field)
        found: list[Entry] = []
        for entry in store.entries(path, place):
            if len(found) == MAX_ENTRIES:
                raise InputUnsupported.at(
                    field,
                    f"{place.uri!r} holds more than {MAX_ENTRIES} files, the most that are read",
                )
            found.append(entry)
        if not found:
            raise InputUnavailable.at(field, f"there is no file below {place.uri!r}")
        return tuple(sorted(found, key=lambda entry: entry.path))

    def uri_of(self, location: str, place: Place) -> str:
        """The URI by which this server's references name what another system names otherwise.

        Args:
            location: See ``Store.path_of``.
            place: What the client wrote, for errors; the location is none of its business.

        Raises:
            InputUnsupported: It lies in none of the stores, or in several.
        """
        paths = ((name, store.path_of(location)) for name, store in self._stores.items())
        found = [f"{name}://{'/'.join(path)}" for name, path in paths if path is not None]
        if len(found) != 1:
            raise InputUnsupported.at(
                place.field,
                f"{place.uri!r} lies in {len(found)} of this server's stores; it must lie in one: "
                f"they are {self._names()}",
            )
        self._locate(found[0], place.field)
        return found[0]

    def _below(self, uri: str, field: str, listed: str) -> tuple[Store, tuple[str, ...]]:
        """Where a directory lies, or what it was said to hold."""
        store, path = self._locate(uri.removesuffix("/"), field)
        names = tuple(listed.removesuffix("/").split("/")) if listed else ()
        if not all(map(is_name, names)):
            raise InputUnsupported.at(
                field,
                f"{uri!r} holds {listed!r}, whose name is not read; it must be UTF-8 without "
                "backslashes and control characters",
            )
        return store, (*path, *names)

    def _locate(self, uri: str, field: str) -> tuple[Store, tuple[str, ...]]:
        name, separator, path = uri.partition("://")
        if not separator or _FORBIDDEN.search(path):
            raise InputUnsupported.at(
                field,
                f"{uri!r} is not a reference; it must be store://path without %, ?, #, backslashes "
                f"and control characters, where store is {self._names()}",
            )
        if name == "file":
            return self._below_a_root(uri, path, field)
        if name not in self._stores:
            raise InputUnsupported.at(
                field, f"names the store {name!r}; the stores of this server are {self._names()}"
            )
        return self._stores[name], _parts(uri, path, field)

    def _below_a_root(self, uri: str, path: str, field: str) -> tuple[Store, tuple[str, ...]]:
        parts = _parts(uri, path.removeprefix("/"), field)
        absolute = Path("/", *parts)
        local = (each for each in self._stores.values() if isinstance(each, LocalStore))
        holding = [each for each in local if absolute.is_relative_to(each.root)]
        if not path.startswith("/") or len(holding) != 1:
            raise InputUnsupported.at(
                field,
                f"{uri!r} is not below exactly one store of this server; they are {self._names()}",
            )
        return holding[0], _parts(uri, str(absolute.relative_to(holding[0].root)), field)

    def _names(self) -> str:
        return ", ".join(sorted(self._stores)) or "none: the operator named no store"


def _parts(uri: str, path: str, field: str) -> tuple[str, ...]:
    parts = tuple(path.split("/"))
    if any(part in {"", ".", ".."} for part in parts):
        raise InputUnsupported.at(
            field, f"{uri!r} has an empty, '.' or '..' component; write the path of the file itself"
        )
    return parts


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
