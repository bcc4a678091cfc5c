"""An object of a bucket, read in ranges that are known to be its own.

Requests are for a name, so what comes may be of another object by now. And Arrow's client of S3
takes an answer that is cut within its headers for a whole one: it then says that an object is empty,
or leaves in a buffer what was there before. So nothing it says is believed unchecked.
"""

import secrets
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from interference_service.errors import InputUnavailable
from interference_service.references.stores.refusal import broken, changed, unavailable
from interference_service.references.stores.store import Place

LOOKS = 3
"""How often an answer that cannot be is asked for again."""
_MARK_BYTES = 16


class PinnedObject:
    """An object as it was when it was opened; for any thread.

    Attributes:
        size: In bytes.
    """

    # Any: Arrow ships no annotations.
    def __init__(self, client: Any, key: str, size: int, place: Place) -> None:
        """Open it.

        Args:
            client: Arrow's.
            key: Bucket and name.
            size: In bytes.
            place: For errors.

        Raises:
            InputUnavailable: It cannot be opened.
        """
        self.size = size
        self._client = client
        self._key = key
        self._files: SimpleQueue[Any] = SimpleQueue()
        file = self._opened(place)
        self._identity = file.metadata()
        self._files.put(file)

    def read(self, offset: int, length: int, place: Place) -> bytes | memoryview:
        """Bytes from a position.

        Args:
            offset: Where they begin.
            length: How many; all of them must lie in the object.
            place: For errors.

        Raises:
            InputUnavailable: It cannot be read, or is another object by now.
        """
        for _ in range(LOOKS):
            content = memoryview(bytearray(length))
            mark = secrets.token_bytes(min(length, _MARK_BYTES))
            content[length - len(mark) :] = mark
            failure = self._read_into(content, offset, place)
            # Opened again after the read, it tells whether that was of the same object.
            file = self._opened(place)
            if file.metadata() != self._identity:
                raise changed(place)
            self._files.put(file)
            if failure is not None:
                raise failure
            if content[length - len(mark) :] != mark:
                return content
        raise broken(place)

    def _read_into(self, content: memoryview, offset: int, place: Place) -> InputUnavailable | None:
        """Fill a buffer; returns why that failed, for which there may be a better reason."""
        file = None
        with suppress(Empty):
            file = self._files.get_nowait()
        if file is None:
            file = self._opened(place)
        try:
            if self._fill(content, offset, file) != len(content):
                return changed(place)
        except (OSError, ValueError) as error:
            return unavailable(error, place)
        return None

    def _fill(self, content: memoryview, offset: int, file: Any) -> int:
        if self._client.type_name == "gcs":
            # This client asks for exactly a range here alone, and lets other threads run meanwhile.
            part = file.read_at(len(content), offset)
            content[: len(part)] = part
            return len(part)
        file.seek(offset)
        count: int = file.readinto(content)
        return count

    def _opened(self, place: Place) -> Any:
        for _ in range(LOOKS):
            try:
                file = self._client.open_input_file(self._key)
            except FileNotFoundError:
                raise InputUnavailable.at(
                    place.field, f"{place.uri!r} was removed while it was read"
                ) from None
            except (OSError, ValueError) as error:
                raise unavailable(error, place) from None
            told = {name.lower(): value for name, value in file.metadata().items()}
            size = told.get("content-length", told.get("size", b"0"))
            if told.get("etag") and int(size):
                return file
        raise broken(place)
