"""Keepers: processes of the service that alone have the credentials of stores on the network.

Whatever parses what a client named is another process, which is fed bytes. Each store has a keeper
of its own, so that none waits for, or knows the credentials of, another.
"""

import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

import numpy as np
import ray
import structlog
from numpy.typing import NDArray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from interference_service.compute import secrets
from interference_service.compute.kept import LISTING_TIMES, KeptStore, NotReady
from interference_service.errors import InputUnavailable
from interference_service.references.registry.description import MlflowDescription
from interference_service.references.stores import MAX_ENTRIES
from interference_service.references.stores.description import Access
from interference_service.references.stores.store import Entry, Place

if TYPE_CHECKING:  # Arrow is for the keeper's own process.
    from interference_service.references.registry.artifacts import FetchedArtifact, MlflowArtifacts
    from interference_service.references.stores.pinned import PinnedObject
    from interference_service.references.stores.remote import RemoteStore

_log = structlog.get_logger(__name__)
_READS = 16
"""Reads of a keeper at once."""
_OPEN = 64
"""Objects that a keeper has open."""
_FETCHED = 4
"""Files that a keeper of artifacts has on its disk."""
_START_SECONDS = 60.0
_POLL_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30.0

Kept: TypeAlias = Access | MlflowDescription
"""What a keeper reads: a bucket, or the artifacts of a tracking server."""


@ray.remote(max_restarts=0, max_task_retries=0, num_cpus=0)
class Keeper:
    """Answers for one store; that it is asked for nothing else is in its methods."""

    def __init__(self) -> None:
        self._opened: RemoteStore | MlflowArtifacts | None = None
        self._answering: dict[object, tuple[float, int]] = {}
        self._pinned = lru_cache(_OPEN)(self._pin)

    # Secrets come by a call, not with the creation, which Ray's control store would remember.
    def start(self, kept: Kept) -> None:
        """Connect to the store, once and for all.

        Raises:
            RuntimeError: It is connected; whoever asks is not the service.
        """
        if self._opened is not None:
            raise RuntimeError("the keeper has its store")
        if isinstance(kept, Access):
            from interference_service.references.stores.remote import open_remote

            secrets.have_only(kept.environment)
            self._opened = open_remote(kept)
        else:
            from interference_service.references.registry.artifacts import open_artifacts

            secrets.have_only({})
            self._pinned = lru_cache(_FETCHED)(self._pin)
            self._opened = open_artifacts(kept)

    def stay(self, answer_seconds: float) -> None:
        """Return once an answer takes longer than anyone waits for it, or with the process.

        No time-out of a client of stores ends an answer that drips, so it keeps its thread.
        """
        while not any(
            time.monotonic() - begun > times * answer_seconds
            for begun, times in list(self._answering.values())
        ):
            time.sleep(_POLL_SECONDS)

    def look(self, place: Place) -> None:
        """See ``RemoteStore.look``; of buckets alone."""
        with self._timed():
            cast("RemoteStore", self._store).look(place)

    def entry(self, path: tuple[str, ...], place: Place) -> Entry:
        """See ``Store.entry``."""
        with self._timed():
            return self._store.entry(path, place)

    def entries(self, path: tuple[str, ...], place: Place) -> tuple[Entry, ...]:
        """See ``Store.entries``; one more than are read tells that there are too many."""
        with self._timed(LISTING_TIMES):
            return tuple(islice(self._store.entries(path, place), MAX_ENTRIES + 1))

    def read(
        self, path: tuple[str, ...], version: str, offset: int, length: int, place: Place
    ) -> NDArray[np.uint8]:
        """Bytes of a file of that version; as an array they are not copied on their way."""
        try:
            with self._timed():
                content = self._pinned(path, place, version).read(offset, length, place)
        except InputUnavailable:
            # Perhaps it was changed and its name stands for another object of the same version.
            self._pinned.cache_clear()
            raise
        return np.frombuffer(content, dtype=np.uint8)

    @contextmanager
    def _timed(self, times: int = 1) -> Iterator[None]:
        question = object()
        self._answering[question] = (time.monotonic(), times)
        try:
            yield
        finally:
            del self._answering[question]

    @property
    def _store(self) -> "RemoteStore | MlflowArtifacts":
        if self._opened is None:
            raise NotReady
        return self._opened

    def _pin(
        self, path: tuple[str, ...], place: Place, version: str
    ) -> "PinnedObject | FetchedArtifact":
        return self._store.pin(path, place, version)


class Keepers:
    """Starts a keeper for every store, and another where one is lost or stuck, until it is left."""

    def __init__(self, stores: Mapping[str, Kept], answer_seconds: float = 120.0) -> None:
        """Start nothing yet.

        Args:
            stores: By name.
            answer_seconds: See ``KeptStore``; of buckets.
        """
        self._stopping = threading.Event()
        # Services that share a cluster share its names.
        own = uuid.uuid4().hex
        names = {store: f"keeper-{store}-{own}" for store in stores}
        self.stores = {
            store: _store(name, stores[store], answer_seconds) for store, name in names.items()
        }
        self._threads = [
            threading.Thread(
                target=self._keep, args=(each, stores[store]), name=each.keeper, daemon=True
            )
            for store, each in self.stores.items()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _keep(self, store: KeptStore, kept: Kept) -> None:
        name = store.keeper
        failures = 0
        while not self._stopping.is_set():
            keeper = None
            try:
                keeper = _started(name, kept)
                failures = 0
                self._watch(keeper, store)
            except (ray.exceptions.RayError, ValueError) as error:
                # ValueError: Ray has not yet forgotten the name of the one that died.
                failures += 1
                _log.warning("keeper_start_failed", keeper=name, error=type(error).__name__)
            finally:
                if keeper is not None:
                    ray.kill(keeper)
            if not self._stopping.is_set():
                self._stopping.wait(min(_POLL_SECONDS * 2**failures, _LONGEST_PAUSE_SECONDS))

    def _watch(self, keeper: Any, store: KeptStore) -> None:
        stays = keeper.stay.remote(store.answer_seconds)
        while not self._stopping.is_set():
            if ray.wait([stays], timeout=_POLL_SECONDS)[0]:
                overdue = _returned(stays)
                _log.warning("keeper_overdue" if overdue else "keeper_lost", keeper=store.keeper)
                return


def _returned(call: Any) -> bool:
    try:
        ray.get(call)
    except ray.exceptions.RayError:
        return False
    return True


def _store(name: str, kept: Kept, answer_seconds: float) -> KeptStore:
    if isinstance(kept, Access):
        return KeptStore(name, kept.description.location, answer_seconds=answer_seconds)
    # The first answer of a file waits until all of it was fetched.
    seconds = kept.timeout_seconds + kept.download_seconds
    return KeptStore(name, kept.location, answer_seconds=seconds + _START_SECONDS)


def _started(name: str, kept: Kept) -> Any:
    # The service's own node has the files that credentials are in. Any: Ray's decorator adds
    # `options`, which its annotations do not tell.
    node = ray.get_runtime_context().get_node_id()
    keeper_class: Any = Keeper
    keeper = keeper_class.options(
        name=name,
        max_concurrency=_READS + 1,
        scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
    ).remote()
    try:
        ray.get(keeper.start.remote(kept), timeout=_START_SECONDS)
    except ray.exceptions.RayError:
        ray.kill(keeper)
        raise
    return keeper
