"""Artifacts that a tracking server gives access to, as a store.

MLflow sends whole files and tells neither digests nor times, so that a file is fetched at once and
checked by its size; whoever needs more takes its digest.
"""

import os
import tempfile
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote, urlencode

from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.registry.answers import ask, refusal, unavailable
from interference_service.references.registry.description import ARTIFACTS, MlflowDescription
from interference_service.references.registry.http import Get, RequestFailed, TrackingServer
from interference_service.references.stores.store import Entry, Place, below, is_plain

MAX_BYTES = 16 << 30
"""Largest file that is fetched."""
SERVED = frozenset({"MLmodel", "model.pt2", "model.pth"})
"""Files of logged models: a server holds more than this service's clients should be shown."""

_API = "/api/2.0/mlflow-artifacts/artifacts"


def open_artifacts(description: MlflowDescription) -> "MlflowArtifacts":
    """The artifacts of a tracking server; asks nothing yet."""
    return MlflowArtifacts(
        TrackingServer(description),
        seconds=description.timeout_seconds,
        download_seconds=description.download_seconds,
    )


class FetchedArtifact:
    """A file of an artifact store, on this machine as long as it is held; for any thread.

    Attributes:
        size: In bytes.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Take a file that nobody else moves in."""
        self.size = size
        self.file = file

    def read(self, offset: int, length: int, place: Place) -> bytes:  # noqa: ARG002
        """Bytes from a position; all of them must lie in the file."""
        return os.pread(self.file.fileno(), length, offset)


class MlflowArtifacts:
    """See ``Store``; for a process that may have the server's token."""

    def __init__(self, get: Get, *, seconds: float, download_seconds: float) -> None:
        """Ask nothing yet.

        Args:
            get: Of the tracking server.
            seconds: For one answer.
            download_seconds: For one file.
        """
        self._get = get
        self._seconds = seconds
        self._download_seconds = download_seconds

    def open(self, path: tuple[str, ...], place: Place, version: str = "") -> BinaryIO:
        """See ``Store.open``."""
        file = self.pin(path, place, version).file
        file.seek(0)
        return file

    def pin(self, path: tuple[str, ...], place: Place, version: str = "") -> FetchedArtifact:
        """The file, fetched.

        Raises:
            InputUnsupported: See ``Store.open``.
            InputUnavailable: See ``Store.open``.
        """
        entry = self.entry(path, place)
        if version not in {"", entry.version}:
            raise _changed(place)
        # Without a name it is gone with the last who has it open.
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            address = quote("/".join(path))
            status = self._get(f"{_API}/{address}", file, entry.size, self._download_seconds)
            if status != 200:
                raise refusal(status, place)
            if file.tell() != entry.size:
                raise _changed(place)
        except RequestFailed as error:
            file.close()
            raise unavailable(place, str(error)) from error
        except InputUnavailable:
            file.close()
            raise
        file.flush()
        return FetchedArtifact(file, entry.size)

    def entry(self, path: tuple[str, ...], place: Place) -> Entry:
        """See ``Store.entry``."""
        *above, name = path
        # A process that parses what clients name may ask for anything, by names of its own.
        if name not in SERVED or not all(map(is_plain, above)):
            raise InputUnsupported.at(
                place.field,
                f"{place.uri!r} is no file of a logged model; of the registry's artifacts only "
                f"{', '.join(sorted(SERVED))} are read: keep others in a store of this server",
            )
        query = urlencode({"path": "/".join(above)})
        answer = ask(self._get, f"{_API}?{query}", place, self._seconds)
        size = _size_of(name, answer.get("files", []))
        if size is None:
            raise InputUnavailable.at(place.field, f"there is no file {place.uri!r}")
        if size > MAX_BYTES:
            raise InputUnsupported.at(
                place.field, f"{place.uri!r} has {size} bytes; at most {MAX_BYTES} are read"
            )
        return Entry("", size, str(size))

    def entries(self, path: tuple[str, ...], place: Place) -> Iterator[Entry]:  # noqa: ARG002
        """See ``Store.entries``; none are read.

        Raises:
            InputUnsupported: Always.
        """
        raise InputUnsupported.at(
            place.field, f"{place.uri!r} is a directory of the registry's artifacts; name a file"
        )

    def path_of(self, location: str) -> tuple[str, ...] | None:
        """See ``Store.path_of``."""
        return below(location, f"{ARTIFACTS}:")


def _size_of(name: str, files: object) -> int | None:
    """Size of a file of that name, as a listing says, where it is one."""
    for each in files if isinstance(files, list) else ():
        if isinstance(each, dict) and each.get("path") == name and not each.get("is_dir"):
            text = str(each.get("file_size", ""))
            return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    return None


def _changed(place: Place) -> InputUnavailable:
    return InputUnavailable.at(place.field, f"{place.uri!r} was changed while it was read")
