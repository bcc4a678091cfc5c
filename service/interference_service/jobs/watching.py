"""Watching a job: snapshot first, then changes, heartbeats in silence, a terminal snapshot."""

import asyncio
import contextvars
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog

from interference_service.domain.job import Job, Progress
from interference_service.domain.ports import Clock, JobStore, Mark
from interference_service.errors import InvalidToken, StoreUnavailable
from interference_service.jobs.notices import Notices, wait_set
from interference_service.jobs.results import gone
from interference_service.jobs.tokens import Seal

_log = structlog.get_logger(__name__)
_WATCH = "watch"
_LOOK_SECONDS = 1.0
"""A change made by another replica is seen after this long."""
_PROGRESS_SECONDS = 1.0
"""Progress is told at most this often; what is in between is lost."""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One message of a watch."""

    resume_token: str
    event_time: datetime
    body: Job | Progress | None
    """A snapshot, a progress, or nothing: a heartbeat."""


class Watcher:
    """One watch, and what it has told last of its job; None: nothing yet."""

    def __init__(self, name: str, notice: asyncio.Event) -> None:
        self.name = name
        self.notice = notice
        self.told: Mark | None = None


class Lookout:
    """Looks into the store for all watches together, once a second while there are any."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._watchers: set[Watcher] = set()
        self._looking: asyncio.Task[None] | None = None

    async def read(self, name: str) -> Job:
        """The job as it is now; raises NotFound."""
        return await asyncio.to_thread(self._store.get, name)

    @contextmanager
    def watching(self, name: str, notice: asyncio.Event) -> Iterator[Watcher]:
        """Look after a job.

        Args:
            name: Of the job.
            notice: Set when the job is not what was told last.

        Yields:
            Who notes what was told.
        """
        watcher = Watcher(name, notice)
        self._watchers.add(watcher)
        if self._looking is None:
            # Of its own context: it looks for all, and outlives the call that came first.
            self._looking = asyncio.create_task(self._look(), context=contextvars.Context())
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                self._looking.cancel()
                self._looking = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            watchers = [each for each in self._watchers if each.told is not None]
            if not watchers:
                continue
            names = {each.name for each in watchers}
            try:
                marks = await asyncio.to_thread(self._store.marks, names)
            except StoreUnavailable:
                continue  # The store has told it.
            except Exception:  # noqa: BLE001 - whatever it is, the watches go on
                _log.exception("look_failed")
                continue
            for each in watchers:
                if marks.get(each.name) != each.told:
                    each.notice.set()


async def watch(
    name: str,
    *,
    principal: str,
    resume_token: str,
    heartbeat_seconds: float,
    longest_seconds: float,
    lookout: Lookout,
    notices: Notices,
    seal: Seal,
    clock: Clock,
    draining: asyncio.Event,
) -> AsyncIterator[WatchEvent]:
    """Tell what happens to a job, until it is finished.

    The subscription comes before the first read, so that no change falls between the two. A token
    that cannot be read, for instance of another principal, is as good as none: the watch begins
    with a snapshot.

    Args:
        name: Name of the job.
        principal: Who watches; a token serves nobody else.
        resume_token: Of the last event seen, or empty.
        heartbeat_seconds: Longest silence.
        longest_seconds: After it the watch ends without a terminal snapshot, to be resumed.
        lookout: Reads the job, and sees what another replica changes.
        notices: Hints that the job changed in this process.
        seal: Seals resume tokens.
        clock: Times of the events.
        draining: Once set the watch ends, to be resumed elsewhere.

    Yields:
        A snapshot first, then snapshots, progress and heartbeats as they come.

    Raises:
        NotFound: There is no such job, or it was deleted, also where its name was used again.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + longest_seconds
    with notices.subscribe(name) as notice, lookout.watching(name, notice) as watcher:
        uid, revision = _position(seal, principal, resume_token)
        watched = ""
        seen: Progress | None = None
        spoke, next_progress = loop.time(), 0.0
        while True:
            notice.clear()
            job = await lookout.read(name)
            if watched not in {"", job.uid}:
                raise gone(name)
            watched = job.uid
            body = _news(job, uid, revision, seen)
            held_back = isinstance(body, Progress) and loop.time() < next_progress
            if held_back:
                body = None
            elif isinstance(body, Progress):
                next_progress = loop.time() + _PROGRESS_SECONDS
            if body is not None:
                uid, revision, seen = job.uid, job.revision, job.progress
            if body is not None or loop.time() - spoke >= heartbeat_seconds:
                yield _event(job, body, principal, seal, clock)
                spoke = loop.time()
            if job.state.terminal or draining.is_set() or loop.time() >= end:
                return
            watcher.told = None if seen is None else Mark(uid, revision, seen)
            until = min(end, spoke + heartbeat_seconds, next_progress if held_back else math.inf)
            await wait_set(notice, until - loop.time())


def _news(job: Job, uid: str, revision: int, seen: Progress | None) -> Job | Progress | None:
    if job.uid != uid or job.revision != revision or job.state.terminal:
        return job
    if job.progress != seen:
        return job.progress
    return None


def _position(seal: Seal, principal: str, token: str) -> tuple[str, int]:
    try:
        payload = seal.open(_WATCH, token, "resume_token")
    except InvalidToken:
        return "", 0
    if payload.get("for") != principal:
        return "", 0
    return str(payload["uid"]), int(payload["revision"])


def _event(
    job: Job, body: Job | Progress | None, principal: str, seal: Seal, clock: Clock
) -> WatchEvent:
    token = seal.seal(_WATCH, {"for": principal, "uid": job.uid, "revision": job.revision})
    return WatchEvent(token, clock.now(), body)
