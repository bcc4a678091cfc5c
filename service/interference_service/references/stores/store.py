"""What every kind of store offers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

_NO_NAME = re.compile(r"[\x00-\x1f\x7f\\/\ud800-\udfff]")
_OF_URLS = re.compile(r"[%?#]")


@dataclass(frozen=True, slots=True)
class Place:
    """What a client asked for, for errors.

    Attributes:
        uri: As the client wrote it.
        field: Path of the field below the specification.
    """

    uri: str
    field: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a store.

    Attributes:
        path: Its name below what was asked for, with ``/``; empty for the file itself.
        size: In bytes.
        version: Changes with its content.
    """

    path: str
    size: int
    version: str


class Store(Protocol):
    """A place of the operator that files are read from; paths are lists of plain names."""

    def open(self, path: tuple[str, ...], place: Place, version: str = "") -> BinaryIO:
        """A file from its start, for random access.

        Args:
            path: Of the file.
            place: For errors.
            version: That it must have; empty: any.

        Raises:
            InputUnsupported: It is no file that is read, such as a link.
            InputUnavailable: It is missing or changed, or cannot be read.
        """

    def entry(self, path: tuple[str, ...], place: Place) -> Entry:
        """The file of that path.

        Raises:
            InputUnsupported: See ``open``.
            InputUnavailable: See ``open``.
        """

    def entries(self, path: tuple[str, ...], place: Place) -> Iterator[Entry]:
        """The files below a directory at any depth, but those called ``.…`` or ``_…``; in any order.

        Raises:
            InputUnsupported: It is no directory, or holds what is not read, such as links.
            InputUnavailable: There is none, or it cannot be read.
        """

    def path_of(self, location: str) -> tuple[str, ...] | None:
        """Path of a file or directory by the URI that other systems know it by; None: not here.

        Args:
            location: As ``s3://bucket/key``, ``gs://bucket/key``, ``file:///path`` or ``/path``.
        """


def is_plain(name: str) -> bool:
    """Whether a component of a path names what lies in its directory, whoever reads it."""
    return is_name(name) and not _OF_URLS.search(name)


def is_name(name: str) -> bool:
    """Whether a component of a path that was listed names what lies in its directory.

    Unlike what a client writes it may have ``%``, ``?`` and ``#``: whoever sends it quotes it.
    """
    return name not in {"", ".", ".."} and not _NO_NAME.search(name)


def below(location: str, root: str) -> tuple[str, ...] | None:
    """Names between a root and what lies below it; None for what does not."""
    rest = location.removeprefix(root.rstrip("/") + "/")
    return tuple(rest.rstrip("/").split("/")) if rest != location else None
