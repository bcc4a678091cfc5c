"""Removes finished jobs and their results when their time has come."""

import asyncio
import math
import time

import structlog

from interference_service.domain.job import Job
from interference_service.domain.ports import ArtifactStore, Clock, JobStore
from interference_service.errors import NotFound, WrongState

_log = structlog.get_logger(__name__)
_BATCH = 100
_COLLECT_SECONDS = 3_600.0
"""How often leftovers are looked for, which takes a look at every result."""


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
            try:
                await asyncio.to_thread(self.sweep)
                if time.monotonic() - collected > _COLLECT_SECONDS:
                    collected = time.monotonic()
                    await asyncio.to_thread(self.collect)
            except Exception:  # noqa: BLE001 - what could not be removed now is removed next time
                _log.exception("retention_failed")
            try:
                async with asyncio.timeout(every_seconds):
                    await stopping.wait()
            except TimeoutError:
                continue

    def sweep(self) -> int:
        """Remove every expired job; returns how many."""
        removed = 0
        while jobs := self._store.expired(self._clock.now(), _BATCH):
            for job in jobs:
                removed += self._remove(job)
        return removed

    def collect(self) -> int:
        """Remove results that no job leads to; returns how many."""
        collected = self._artifacts.collect(self._store.attempts)
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
