"""Buckets of S3 and Google Cloud Storage as stores, through Arrow's clients.

Only what the operator said decides where a request goes and with which credentials. Keys are the
operator's prefix and names that ``Stores`` has checked; nothing resolves them any further.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, BinaryIO, TypeVar

from pyarrow import fs

from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.stores.description import (
    Access,
    Anonymous,
    S3Description,
)
from interference_service.references.stores.pinned import LOOKS, PinnedObject
from interference_service.references.stores.ranged import open_ranged
from interference_service.references.stores.refusal import (
    broken,
    bucket_missing,
    changed,
    unavailable,
)
from interference_service.references.stores.store import Entry, Place, below, is_name

_NANOSECONDS = 10**9
_NOBODYS = ("interference-check",)
"""A directory that is not there: listing it costs the same however much lies in the bucket."""

_T = TypeVar("_T")


def open_remote(access: Access) -> "RemoteStore":
    """Connect to a store; asks nothing of it yet.

    Args:
        access: Where it is, with its secrets; its variables must be those of this process.
    """
    description = access.description
    anonymous = isinstance(description.credentials, Anonymous)
    if isinstance(description, S3Description):
        client = fs.S3FileSystem(
            anonymous=anonymous,
            region=description.region,
            connect_timeout=description.connect_timeout,
            request_timeout=description.request_timeout,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=description.attempts),
            **{name: secret.get_secret_value() for name, secret in access.secrets.items()},
            **description.address,
        )
    else:
        client = fs.GcsFileSystem(
            anonymous=anonymous,
            retry_time_limit=timedelta(seconds=description.retry_seconds),
            **description.address,
        )
    return RemoteStore(client, description.root, description.location)


class RemoteStore:
    """Objects below a prefix of a bucket; see ``Store``."""

    # Any, here and below: Arrow ships no annotations.
    def __init__(self, client: Any, root: tuple[str, ...], location: str) -> None:
        """Take a client.

        Args:
            client: Arrow's.
            root: Bucket, then the directories that every key begins with.
            location: What other systems call the root.
        """
        self._client = client
        self._root = root
        self._location = location

    def open(self, path: tuple[str, ...], place: Place, version: str = "") -> BinaryIO:
        """See ``Store.open``."""
        pinned = self.pin(path, place, version)
        return open_ranged(
            pinned.size, lambda offset, length: lambda: pinned.read(offset, length, place)
        )

    def pin(self, path: tuple[str, ...], place: Place, version: str = "") -> PinnedObject:
        """An object of which ranges can be read, as long as it stays what it is.

        Raises:
            InputUnavailable: See ``Store.open``.
        """
        size, found = _size_and_version(self._information(path, place))
        if version not in {"", found}:
            raise changed(place)
        return PinnedObject(self._client, self._key(path, place), size, place)

    def entry(self, path: tuple[str, ...], place: Place) -> Entry:
        """See ``Store.entry``."""
        return Entry("", *_size_and_version(self._information(path, place)))

    def entries(self, path: tuple[str, ...], place: Place) -> Iterator[Entry]:
        """See ``Store.entries``.

        Yields:
            The files.
        """
        base = self._key(path, place) + "/"
        found: list[Entry] | None = None
        for _ in range(LOOKS):
            before, found = found, list(self._listed(base, place))
            # An answer that is cut in its headers counts as one without any more files.
            if before == found:
                break
        else:
            raise broken(place)
        if not found:
            raise self._missing(place)
        yield from found

    def look(self, place: Place) -> None:
        """Ask whether it can be listed, whatever lies in it.

        Raises:
            InputUnavailable: It cannot.
        """
        for _ in self._listed(self._key(_NOBODYS, place) + "/", place):
            break
        if self._bucket_is_missing():
            raise bucket_missing(place)

    def path_of(self, location: str) -> tuple[str, ...] | None:
        """See ``Store.path_of``."""
        return below(location, self._location)

    def _listed(self, base: str, place: Place) -> Iterator[Entry]:
        selector = fs.FileSelector(base.removesuffix("/"), recursive=True, allow_not_found=True)
        for each in self._asked(lambda: self._client.get_file_info(selector), place):
            path = each.path.removeprefix(base)
            if each.type is fs.FileType.File and not _is_hidden(path):
                yield Entry(path, *_size_and_version(each))

    def _information(self, path: tuple[str, ...], place: Place) -> Any:
        key = self._key(path, place)
        for _ in range(LOOKS):
            found = self._asked(lambda: self._client.get_file_info(key), place)
            if found.type is fs.FileType.Directory:
                raise InputUnsupported.at(
                    place.field, f"{place.uri!r} is a directory; its name must end in /"
                )
            if found.type is not fs.FileType.File:
                raise self._missing(place)
            if found.size and found.mtime_ns:
                return found
        raise broken(place)

    def _key(self, path: tuple[str, ...], place: Place) -> str:
        # Checked before, but perhaps by a process that a file has taken over since. Clients of HTTP
        # resolve ".."; Arrow's escape all else.
        if not path or not all(map(is_name, path)):
            raise InputUnsupported.at(place.field, f"{place.uri!r} is no path of plain names")
        return "/".join((*self._root, *path))

    def _asked(self, ask: Callable[[], _T], place: Place) -> _T:
        try:
            return ask()
        except FileNotFoundError:
            raise self._missing(place) from None
        except (OSError, ValueError) as error:
            raise unavailable(error, place) from None

    def _missing(self, place: Place) -> InputUnavailable:
        if self._bucket_is_missing():
            return bucket_missing(place)
        return InputUnavailable.at(place.field, f"there is no file {place.uri!r}")

    def _bucket_is_missing(self) -> bool:
        try:
            bucket = self._client.get_file_info(self._root[0])
        except (OSError, ValueError):
            # Those who may read objects need not be allowed to ask for the bucket.
            return False
        return bool(bucket.type is fs.FileType.NotFound)


def _size_and_version(information: Any) -> tuple[int, str]:
    # A listing and the object itself tell the time with different precision.
    return information.size, f"{information.size}-{information.mtime_ns // _NANOSECONDS}"


def _is_hidden(path: str) -> bool:
    return any(part.startswith((".", "_")) for part in path.split("/"))
