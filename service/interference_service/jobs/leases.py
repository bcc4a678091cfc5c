"""An attempt at a job, and the lease that it is held by."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from interference_service.domain.job import Job, JobState, Progress
from interference_service.domain.ports import Clock, JobStore
from interference_service.domain.tracing import Attributes
from interference_service.errors import LeaseLost, StoreUnavailable
from interference_service.jobs.notices import Notices, wait_set

_log = structlog.get_logger(__name__)
_TRUSTED = 0.8
"""Part of a lease after which its holder stops; in the rest its work ends, before another begins."""
_LAST_TRY = 0.1
"""Part of a lease that its holder, which may have slept, waits for an answer in any case."""
_BEATS = 4
"""Prolongations within a lease, at least."""
_THREADS = 4

_Answer = TypeVar("_Answer")


class Attempt:
    """One attempt at a job: who holds it, and what its thread and the event loop share."""

    def __init__(self, job: Job, owner: str, trusted_until: float) -> None:
        self.job = job
        self.owner = owner
        self.trusted_until = trusted_until
        """When the lease must have been prolonged, by the event loop's clock."""
        self.stop = threading.Event()
        self.progress: Progress | None = None
        self.timed_out = False

    def report(self, progress: Progress) -> None:
        """Take in how far it is; from its thread."""
        self.progress = progress

    @property
    def attributes(self) -> Attributes:
        """What traces say of it."""
        return {
            "interference.project": self.job.project,
            "interference.job": self.job.name,
            "interference.attempt": self.job.attempt,
            "interference.monitor": self.job.specification.model.monitor,
        }


class Leases:
    """Keeps the leases of attempts alive.

    The store measures a lease by its own clock, from the moment at which it hears of it. Its holder
    measures from the moment before it asks, so whatever the two clocks say, the holder is the first
    for whom it is over.
    """

    def __init__(
        self,
        store: JobStore,
        clock: Clock,
        notices: Notices,
        *,
        lease_seconds: float,
        beat_seconds: float,
    ) -> None:
        """Keep none yet.

        Args:
            store: Has the leases.
            clock: Tells how long a job runs.
            notices: Hints that a job changed.
            lease_seconds: Life of a lease that is not prolonged.
            beat_seconds: How often it is prolonged and the progress written; more often where the
                lease is short.
        """
        self._store = store
        self._clock = clock
        self._notices = notices
        self._lease = timedelta(seconds=lease_seconds)
        self._beat_seconds = min(beat_seconds, lease_seconds / _BEATS)
        # A pool of their own: what else hangs, for instance a disk, must not cost a lease.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="leases")

    async def claim(self, owner: str) -> Attempt | None:
        """Take the next job; None where there is none."""
        trusted_until = self._end(_TRUSTED)
        job = await self._ask(partial(self._store.claim, owner, self._lease))
        return None if job is None else Attempt(job, owner, trusted_until)

    async def keep(self, attempt: Attempt, stopping: asyncio.Event) -> None:
        """Prolong a lease, write the progress, and see whether the job is to stop.

        Args:
            attempt: Whose lease.
            stopping: Once set, every job is to.

        Raises:
            LeaseLost: Another worker has the job, or the store was away for so long that one may.
        """
        job = attempt.job
        limit, started = job.specification.max_run_duration, self._clock.now()
        with self._notices.subscribe(job.name) as notice:
            while True:
                notice.clear()
                state = await self._renew(attempt)
                if limit is not None and self._clock.now() - started > limit:
                    attempt.timed_out = True
                if state is JobState.CANCELLING or attempt.timed_out or stopping.is_set():
                    attempt.stop.set()
                await wait_set(notice, self._beat_seconds)

    async def _renew(self, attempt: Attempt) -> JobState | None:
        """Prolong a lease; returns the job's state, None while the store is away."""
        name, loop, trusted_until = (
            attempt.job.name,
            asyncio.get_running_loop(),
            self._end(_TRUSTED),
        )
        try:
            # A store that does not answer must not keep the holder from stopping in time.
            async with asyncio.timeout_at(max(attempt.trusted_until, self._end(_LAST_TRY))):
                state = await self._ask(
                    partial(self._store.renew, name, attempt.owner, self._lease, attempt.progress)
                )
        except Exception as error:
            _log.warning("renewal_failed", error=str(error) or type(error).__name__)
            if loop.time() >= attempt.trusted_until:
                raise LeaseLost(f"the store was away while {name} ran") from error
            return None
        if state is None:
            raise LeaseLost(f"another worker holds {name}")
        attempt.trusted_until = trusted_until
        return state

    async def change(self, attempt: Attempt, change: Callable[[Job], Job]) -> Job:
        """See ``JobStore.change``; waits for a store that is away, as long as the lease lasts."""
        changing = partial(self._store.change, attempt.job.name, change, owner=attempt.owner)
        return await self._patiently(attempt, changing)

    async def previous(self, attempt: Attempt) -> Job | None:
        """The job of the same monitor that succeeded last, if any; waits as ``change`` does."""
        monitor = attempt.job.specification.model.monitor
        if not monitor:
            return None
        finding = partial(self._store.latest_of, attempt.job.project, monitor)
        return await self._patiently(attempt, finding)

    async def _patiently(self, attempt: Attempt, question: Callable[[], _Answer]) -> _Answer:
        while True:
            try:
                return await self._ask(question)
            except StoreUnavailable:
                if asyncio.get_running_loop().time() >= attempt.trusted_until:
                    raise
            await asyncio.sleep(self._beat_seconds)

    def close(self) -> None:
        """Ask no more; does not wait for a store that does not answer."""
        self._threads.shutdown(wait=False)

    async def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        in_context = partial(contextvars.copy_context().run, question)
        return await asyncio.get_running_loop().run_in_executor(self._threads, in_context)

    def _end(self, part: float) -> float:
        """The end of a part of a lease that begins now, by the event loop's clock."""
        return asyncio.get_running_loop().time() + part * self._lease.total_seconds()
