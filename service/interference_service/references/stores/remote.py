"""Buckets of S3 and Google Cloud Storage as stores, through Arrow's clients.

Only what the operator said decides where a request goes and with which credentials. Keys are the
operator's prefix and names that ``Stores`` has checked; nothing resolves them any further.
"""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, BinaryIO, TypeVar

from pyarrow import fs

from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.stores.description import (
    Anonymous,
    RemoteDescription,
    S3Description,
    Secrets,
    ServiceAccountFile,
)
from interference_service.references.stores.ranged import open_ranged
from interference_service.references.stores.refusal import bucket_missing, unavailable
from interference_service.references.stores.store import Entry, Place

_ACCOUNT_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
_NANOSECONDS = 10**9

_T = TypeVar("_T")


def open_remote(description: RemoteDescription, secrets: Secrets) -> "RemoteStore":
    """Connect to a store; asks nothing of it yet.

    A process has only one account of Google's: its file goes by a variable of the process.

    Args:
        description: Where it is.
        secrets: As the description told them.
    """
    anonymous = isinstance(description.credentials, Anonymous)
    if isinstance(description, S3Description):
        client = fs.S3FileSystem(
            anonymous=anonymous,
            region=description.region,
            connect_timeout=description.connect_timeout,
            request_timeout=description.request_timeout,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=description.attempts),
            **{name: secret.get_secret_value() for name, secret in secrets.items()},
            **description.address,
        )
    else:
        if isinstance(description.credentials, ServiceAccountFile):
            os.environ[_ACCOUNT_VARIABLE] = str(description.credentials.path)
        client = fs.GcsFileSystem(
            anonymous=anonymous,
            retry_time_limit=timedelta(seconds=description.retry_seconds),
            **description.address,
        )
    return RemoteStore(client, description.root)


class RemoteStore:
    """Objects below a prefix of a bucket; see ``Store``."""

    # Any, here and below: Arrow ships no annotations.
    def __init__(self, client: Any, root: tuple[str, ...]) -> None:
        """Take a client.

        Args:
            client: Arrow's.
            root: Bucket, then the directories that every key begins with.
        """
        self._client = client
        self._root = root

    def open(self, path: tuple[str, ...], place: Place, version: str = "") -> BinaryIO:
        """See ``Store.open``."""
        pinned = self.pin(path, place, version)
        return open_ranged(
            pinned.size, lambda offset, length: lambda: pinned.read(offset, length, place)
        )

    def pin(self, path: tuple[str, ...], place: Place, version: str = "") -> "PinnedObject":
        """An object of which ranges can be read, as long as it stays what it is.

        Raises:
            InputUnavailable: See ``Store.open``.
        """
        key = self._key(path)
        file = self._asked(lambda: self._client.open_input_file(key), place)
        size, found = _size_and_version(self._information(path, place))
        if version not in {"", found}:
            raise _changed(place)
        return PinnedObject(self._client, key, file, size)

    def entry(self, path: tuple[str, ...], place: Place) -> Entry:
        """See ``Store.entry``."""
        return Entry("", *_size_and_version(self._information(path, place)))

    def entries(self, path: tuple[str, ...], place: Place) -> Iterator[Entry]:
        """See ``Store.entries``.

        Yields:
            The files.
        """
        base = self._key(path) + "/"
        selector = fs.FileSelector(base.removesuffix("/"), recursive=True, allow_not_found=True)
        for each in self._asked(lambda: self._client.get_file_info(selector), place):
            below = each.path.removeprefix(base)
            if each.type is not fs.FileType.File or _is_hidden(below):
                continue
            yield Entry(below, *_size_and_version(each))

    def _information(self, path: tuple[str, ...], place: Place) -> Any:
        found = self._asked(lambda: self._client.get_file_info(self._key(path)), place)
        if found.type is fs.FileType.Directory:
            raise InputUnsupported.at(
                place.field, f"{place.uri!r} is a directory, not a file; end it in / if it is meant"
            )
        if found.type is not fs.FileType.File:
            raise self._missing(place)
        return found

    def _key(self, path: tuple[str, ...]) -> str:
        return "/".join((*self._root, *path))

    def _asked(self, ask: Callable[[], _T], place: Place) -> _T:
        try:
            return ask()
        except FileNotFoundError:
            raise self._missing(place) from None
        except (OSError, ValueError) as error:
            raise unavailable(error, place) from None

    def _missing(self, place: Place) -> InputUnavailable:
        try:
            bucket = self._client.get_file_info(self._root[0])
        except (OSError, ValueError):
            # Those who may read objects need not be allowed to ask for the bucket.
            bucket = None
        if bucket is not None and bucket.type is fs.FileType.NotFound:
            return bucket_missing(place)
        return InputUnavailable.at(place.field, f"there is no file {place.uri!r}")


class PinnedObject:
    """An object as it was when it was opened.

    Attributes:
        size: In bytes.
    """

    def __init__(self, client: Any, key: str, file: Any, size: int) -> None:
        self.size = size
        self._client = client
        self._key = key
        self._file = file
        self._identity = file.metadata()

    def read(self, offset: int, length: int, place: Place) -> bytes:
        """Bytes from a position.

        Args:
            offset: Where they begin.
            length: How many; all of them must lie in the object.
            place: For errors.

        Raises:
            InputUnavailable: It cannot be read, or is another object by now.
        """
        try:
            content: bytes = self._file.read_at(length, offset)
        except (OSError, ValueError) as error:
            self._check(place)
            raise unavailable(error, place) from None
        # Requests are for a name, not for an object: what came may be of another one. Where that is
        # shorter, the client fills up with what was in memory before, so nothing is used unchecked.
        self._check(place)
        if len(content) != length:
            raise _changed(place)
        return content

    def _check(self, place: Place) -> None:
        try:
            identity = self._client.open_input_file(self._key).metadata()
        except FileNotFoundError:
            raise InputUnavailable.at(
                place.field, f"{place.uri!r} was removed while it was read"
            ) from None
        except (OSError, ValueError) as error:
            raise unavailable(error, place) from None
        if identity != self._identity:
            raise _changed(place)


def _changed(place: Place) -> InputUnavailable:
    return InputUnavailable.at(place.field, f"{place.uri!r} was changed while it was read")


def _size_and_version(information: Any) -> tuple[int, str]:
    # A listing and the object itself tell the time with different precision.
    return information.size, f"{information.size}-{information.mtime_ns // _NANOSECONDS}"


def _is_hidden(path: str) -> bool:
    return any(part.startswith((".", "_")) for part in path.split("/"))
