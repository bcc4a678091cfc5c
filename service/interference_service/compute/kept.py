"""Stores on the network as the workers have them: without credentials, by asking a keeper."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import ray
from ray.exceptions import GetTimeoutError, RayTaskError

from interference_service.compute.calls import Ref, settle
from interference_service.compute.lost import Lost
from interference_service.errors import InputUnavailable
from interference_service.references.stores.ranged import Answer, open_ranged
from interference_service.references.stores.store import Entry, Place, below

LISTING_TIMES = 10
"""A listing may take so many times as long as another answer."""
_PAUSE_SECONDS = 0.5


class NotReady(Exception):
    """A keeper was asked before it was told of its store."""


@dataclass(frozen=True, slots=True)
class KeptStore:
    """A store that its keeper reads; see ``Store``. It travels, so it holds nothing secret.

    A keeper that is gone is waited for, since the service starts another.

    Attributes:
        keeper: Name of the keeper.
        location: What other systems call the root of the store.
        away_seconds: How long an answer is asked for again after the keeper was lost.
        answer_seconds: How long one answer may take; of a listing, ``LISTING_TIMES`` as long.
    """

    keeper: str
    location: str
    away_seconds: float = 60.0
    answer_seconds: float = 120.0

    def open(self, path: tuple[str, ...], place: Place, version: str = "") -> BinaryIO:
        """See ``Store.open``."""
        found = self.entry(path, place)
        if version not in {"", found.version}:
            raise InputUnavailable.at(place.field, f"{place.uri!r} was changed while it was read")

        def request(offset: int, length: int) -> Answer:
            question = _Question(self, "read", (path, found.version, offset, length, place), place)
            return lambda: memoryview(question.answer(self.answer_seconds))

        return open_ranged(found.size, request)

    def look(self, place: Place) -> None:
        """See ``RemoteStore.look``."""
        _Question(self, "look", (place,), place).answer(self.answer_seconds)

    def entry(self, path: tuple[str, ...], place: Place) -> Entry:
        """See ``Store.entry``."""
        question = _Question(self, "entry", (path, place), place)
        found: Entry = question.answer(self.answer_seconds)
        return found

    def entries(self, path: tuple[str, ...], place: Place) -> Iterator[Entry]:
        """See ``Store.entries``.

        Yields:
            The files.
        """
        question = _Question(self, "entries", (path, place), place)
        yield from question.answer(LISTING_TIMES * self.answer_seconds)

    def path_of(self, location: str) -> tuple[str, ...] | None:
        """See ``Store.path_of``."""
        return below(location, self.location)


class _Question:
    """Something that the keeper was asked."""

    def __init__(
        self, store: KeptStore, method: str, arguments: tuple[Any, ...], place: Place
    ) -> None:
        self._store = store
        self._method = method
        self._arguments = arguments
        self._place = place
        self._ref = self._asked()

    def answer(self, seconds: float) -> Any:
        """Wait for the answer; asks again where the keeper was lost."""
        until: float | None = None
        while True:
            try:
                if self._ref is not None:
                    return settle(self._ref, timeout=seconds)
            except GetTimeoutError:
                raise self._refusal("the store did not answer in time") from None
            except Lost:
                pass  # As where there is none.
            except RayTaskError as error:
                if not isinstance(error.cause, NotReady):
                    raise
            until = until or time.monotonic() + self._store.away_seconds
            if time.monotonic() > until:
                raise self._refusal("the service's reader of the store is away")
            time.sleep(_PAUSE_SECONDS)
            self._ref = self._asked()

    def _asked(self) -> "Ref | None":
        try:
            keeper: Any = ray.get_actor(self._store.keeper)
        except ValueError:
            return None
        ref: Ref = getattr(keeper, self._method).remote(*self._arguments)
        return ref

    def _refusal(self, why: str) -> InputUnavailable:
        return InputUnavailable.at(
            self._place.field,
            f"{self._place.uri!r} cannot be read: {why}; submit again later, and if it stays so "
            "tell the operator",
        )
