"""Removes finished jobs and their results when their time has come."""

import asyncio
import math
import time
from collections.abc import Callable, Collection

import structlog

from interference_service.domain.job import Job
from interference_service.domain.ports import ArtifactStore, Clock, JobStore
from interference_service.errors import NotFound, StoreUnavailable, WrongState

_log = structlog.get_logger(__name__)
_BATCH = 100
_COLLECT_SECONDS = 3_600.0
"""How often leftovers are looked for, which takes a look at every result."""

Stopping = Callable[[], bool]
"""Says whether what is left is to be left for another time."""


class Retention:
    """Removes what has expired, and what nobody will ask for."""

    def __init__(self, store: JobStore, artifacts: ArtifactStore, clock: Clock) -> None:
        self._store = store
        self._artifacts = artifacts
        self._clock = clock

    async def run(self, every_seconds: float, stopping: asyncio.Event) -> None:
        """Remove expired jobs and leftovers every so often, until ``stopping`` is set."""
        collected = -math.inf
        while not stopping.is_set():
            await self._try(self.sweep, stopping)
            if time.monotonic() - collected > _COLLECT_SECONDS:
                collected = time.monotonic()
                await self._try(self.collect, stopping)
            try:
                async with asyncio.timeout(every_seconds):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def _try(self, chore: Callable[[Stopping], int], stopping: asyncio.Event) -> None:
        try:
            await asyncio.to_thread(chore, stopping.is_set)
        except StoreUnavailable:
            return  # The store has told it.
        except Exception:  # noqa: BLE001 - what could not be removed now is removed next time
            _log.exception("retention_failed")

    def sweep(self, stopping: Stopping) -> int:
        """Remove every expired job that can be; returns how many.

        Args:
            stopping: Asked before every job.
        """
        removed = 0
        kept: dict[str, str] = {}
        while jobs := self._expired(kept):
            for job in jobs:
                if stopping():
                    return removed
                try:
                    removed += self._remove(job)
                except OSError as error:
                    kept[job.uid] = f"{job.name}: {error}"
        if kept:
            _log.warning("results_not_removed", count=len(kept), first=next(iter(kept.values())))
        return removed

    def _expired(self, kept: Collection[str]) -> list[Job]:
        """Some expired jobs; not those that are kept, which would come first again."""
        expired = self._store.expired(self._clock.now(), _BATCH + len(kept))
        return [job for job in expired if job.uid not in kept]

    def collect(self, stopping: Stopping) -> int:
        """Remove results that no job leads to; returns how many.

        Args:
            stopping: Asked before every batch.
        """
        collected = self._artifacts.collect(self._store.attempts, stopping)
        if collected:
            _log.info("leftovers_collected", count=collected)
        return collected

    def _remove(self, job: Job) -> int:
        now = self._clock.now()

        def check(current: Job) -> None:
            moved = current.expire_time is None or current.expire_time > now
            if moved or current.uid != job.uid:
                raise WrongState(f"{job.name} no longer expires", metadata={})
            # Before the job itself: what cannot be removed now keeps the job that leads to it.
            self._artifacts.delete(current)

        try:
            self._store.delete(job.name, check)
        except (NotFound, WrongState):
            return 0
        _log.info("job_expired", job=job.name)
        return 1
