"""Watching a job: snapshot first, then changes, heartbeats in silence, a terminal snapshot."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from interference_service.domain.job import Job, Progress
from interference_service.domain.ports import Clock
from interference_service.errors import InvalidToken
from interference_service.jobs.notices import Notices, wait_set
from interference_service.jobs.results import gone
from interference_service.jobs.tokens import Seal

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


async def watch(
    name: str,
    *,
    principal: str,
    resume_token: str,
    heartbeat_seconds: float,
    longest_seconds: float,
    read: Callable[[str], Awaitable[Job]],
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
        read: Reads the job as it is now; raises NotFound.
        notices: Hints that the job changed.
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
    with notices.subscribe(name) as notice:
        uid, revision = _position(seal, principal, resume_token)
        watched = ""
        seen: Progress | None = None
        spoke, next_progress = loop.time(), 0.0
        while True:
            notice.clear()
            job = await read(name)
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
            until = min(end, spoke + heartbeat_seconds, next_progress if held_back else math.inf)
            await wait_set(notice, min(_LOOK_SECONDS, until - loop.time()))


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
