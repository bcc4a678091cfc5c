"""Runs jobs: claims them by lease, keeps the lease alive, writes how they end."""

import asyncio
import contextvars
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from interference_service.domain.events import AttemptStarted, JobFinished, StageFinished
from interference_service.domain.gates import judge_all
from interference_service.domain.job import Job, JobError, JobState, Progress, Stage, error_of
from interference_service.domain.ports import ArtifactStore, Clock, EventSink, Executor, JobStore
from interference_service.domain.result import Analysis
from interference_service.errors import (
    Cancelled,
    LeaseLost,
    NotFound,
    RunTimeout,
    ServiceError,
    WorkerLost,
)
from interference_service.jobs.notices import Notices, wait_set
from interference_service.jobs.service import QUEUE

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """How jobs are run."""

    concurrency: int = 8
    """Jobs of this process at once."""
    lease_seconds: float = 10.0
    """A dead server's jobs are taken over after this long."""
    beat_seconds: float = 1.0
    """How often the lease is prolonged and the progress written."""
    look_seconds: float = 1.0
    """How often the store is asked for jobs that came by another replica."""
    max_attempts: int = 5
    """A job whose server died this often is not tried again."""
    default_ttl_seconds: float = 90 * 86_400.0


class _Attempt:
    """One attempt at a job: who holds it, and what its thread and the event loop share."""

    def __init__(self, job: Job, owner: str) -> None:
        self.job = job
        self.owner = owner
        self.stop = threading.Event()
        self.progress: Progress | None = None
        self.timed_out = False

    def report(self, progress: Progress) -> None:
        self.progress = progress


class JobRunner:
    """Takes jobs from the store and runs them, each in a thread of its own."""

    def __init__(
        self,
        *,
        store: JobStore,
        artifacts: ArtifactStore,
        executor: Executor,
        sink: EventSink,
        clock: Clock,
        notices: Notices,
        settings: RunnerSettings,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._executor = executor
        self._sink = sink
        self._clock = clock
        self._notices = notices
        self._settings = settings
        # A pool of their own: analyses must not take the threads in which the store is asked.
        self._threads = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="analysis")
        self._stopping = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return bool(self._running)

    async def run(self) -> None:
        """Run jobs until ``stop`` is called and every running one is handed back."""
        with self._notices.subscribe(QUEUE) as notice:
            while not self._stopping.is_set():
                notice.clear()
                if not await self._start_next():
                    await wait_set(notice, self._settings.look_seconds)
        if self._running:
            await asyncio.wait(self._running)
        self._threads.shutdown(wait=False)

    def stop(self) -> None:
        """Take no more jobs; those that run go back to the queue."""
        self._stopping.set()
        self._notices.notify_all()

    async def _start_next(self) -> bool:
        if len(self._running) >= self._settings.concurrency:
            return False
        # An owner of its own for every attempt: one that lost its lease cannot end another.
        owner, now = uuid.uuid4().hex, self._clock.now()
        try:
            job = await asyncio.to_thread(self._store.claim, owner, now, self._lease_end())
        except Exception:  # noqa: BLE001 - a store that is away comes back; the queue goes on
            _log.exception("claim_failed")
            return False
        if job is None:
            return False
        task = asyncio.create_task(self._run_guarded(_Attempt(job, owner)))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return True

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._notices.notify(QUEUE)

    async def _run_guarded(self, attempt: _Attempt) -> None:
        job = attempt.job
        with structlog.contextvars.bound_contextvars(job=job.name, attempt=job.attempt):
            try:
                await self._run(attempt)
            except (LeaseLost, NotFound):
                _log.warning("lease_lost")
            except Exception:  # noqa: BLE001 - the lease runs out and the job is taken up again
                _log.exception("attempt_lost")

    async def _run(self, attempt: _Attempt) -> None:
        job = attempt.job
        self._notices.notify(job.name)
        if job.state is JobState.CANCELLING:
            await self._finish(attempt, JobState.CANCELLED)
            return
        if job.attempt > self._settings.max_attempts:
            lost = WorkerLost(f"the server died in each of {job.attempt - 1} attempts")
            await self._finish(attempt, JobState.FAILED, error=JobError.of(lost))
            return
        waited = (self._clock.now() - job.create_time).total_seconds()
        self._sink.emit(AttemptStarted(job.name, job.attempt, waited))
        _log.info("attempt_started")
        # The lease is kept until the end is written, however long the writing of the result takes.
        lease = asyncio.create_task(self._keep_lease(attempt))
        try:
            await self._end(attempt, lease)
        finally:
            lease.cancel()
            with suppress(asyncio.CancelledError, LeaseLost):
                await lease

    async def _end(self, attempt: _Attempt, lease: "asyncio.Task[None]") -> None:
        """Run the analysis and write how it ended."""
        try:
            analysis = await self._execute(attempt, lease)
        except Cancelled as error:
            await self._stopped(attempt, error)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was ends this job and nothing else
            await self._failed(attempt, error)
        else:
            await self._succeeded(attempt, analysis)

    async def _execute(self, attempt: _Attempt, lease: "asyncio.Task[None]") -> Analysis:
        """Run the analysis in a thread; it has ended on return."""
        run = partial(self._executor.run, attempt.job, attempt.report, attempt.stop)
        in_context = partial(contextvars.copy_context().run, run)
        work = asyncio.get_running_loop().run_in_executor(self._threads, in_context)
        either: set[asyncio.Future[Any]] = {work, lease}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if lease.done():
            attempt.stop.set()
            await asyncio.wait({work})
            await lease
        return await work

    async def _keep_lease(self, attempt: _Attempt) -> None:
        """Prolong the lease, write the progress, and see whether the job is to stop.

        Raises:
            LeaseLost: Another worker has the job, or the store was away until the lease ran out.
        """
        job, loop = attempt.job, asyncio.get_running_loop()
        limit = job.specification.max_run_duration
        started, kept = self._clock.now(), loop.time()
        with self._notices.subscribe(job.name) as notice:
            while True:
                notice.clear()
                try:
                    state = await asyncio.to_thread(
                        self._store.renew,
                        job.name,
                        attempt.owner,
                        self._lease_end(),
                        attempt.progress,
                    )
                except Exception as error:
                    _log.warning("renewal_failed", error=str(error))
                    if loop.time() - kept > self._settings.lease_seconds:
                        raise LeaseLost(f"the store was away while {job.name} ran") from error
                    state = None
                else:
                    kept = loop.time()
                    if state is None:
                        raise LeaseLost(f"another worker holds {job.name}")
                if limit is not None and self._clock.now() - started > limit:
                    attempt.timed_out = True
                if state is JobState.CANCELLING or attempt.timed_out or self._stopping.is_set():
                    attempt.stop.set()
                await wait_set(notice, self._settings.beat_seconds)

    def _lease_end(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._settings.lease_seconds)

    async def _stopped(self, attempt: _Attempt, error: Cancelled) -> None:
        job, now = attempt.job, self._clock.now()
        if attempt.timed_out:
            limit = job.specification.max_run_duration
            late = RunTimeout.at("max_run_duration", f"{limit} passed before the analysis was done")
            await self._finish(attempt, JobState.FAILED, error=JobError.of(late))
            return
        state = (await asyncio.to_thread(self._store.get, job.name)).state
        if state is JobState.CANCELLING:
            await self._finish(attempt, JobState.CANCELLED)
        elif self._stopping.is_set():
            # What is handed back was not lost, so it does not count as an attempt.
            await asyncio.to_thread(
                self._store.change,
                job.name,
                lambda current: current.to(JobState.PENDING, now, attempt=current.attempt - 1),
                owner=attempt.owner,
            )
            _log.info("handed_back")
        else:
            await self._failed(attempt, error)

    async def _failed(self, attempt: _Attempt, error: Exception) -> None:
        incident = uuid.uuid4().hex
        if isinstance(error, ServiceError):
            _log.warning("job_failed", reason=error.reason, message=error.message)
        else:
            _log.error("job_crashed", incident=incident, exc_info=error)
        await self._finish(attempt, JobState.FAILED, error=error_of(error, incident))

    async def _succeeded(self, attempt: _Attempt, analysis: Analysis) -> None:
        job, started = attempt.job, time.monotonic()
        try:
            gates, result = job.specification.gates, analysis.result
            verdict = await asyncio.to_thread(judge_all, gates, result, analysis.matrices)
            await asyncio.to_thread(self._artifacts.write, job, result, analysis.matrices)
        except Cancelled as error:
            await self._stopped(attempt, error)
            return
        except Exception as error:  # noqa: BLE001 - a full disk fails this job, not the queue
            await self._failed(attempt, error)
            return
        self._sink.emit(StageFinished(job.name, Stage.WRITE, time.monotonic() - started))
        written = Progress(
            stage=Stage.WRITE, completed_units=1, total_units=1, update_time=self._clock.now()
        )
        await self._finish(
            attempt,
            JobState.SUCCEEDED,
            verdict=verdict,
            resolved_inputs=analysis.resolved_inputs,
            progress=written,
        )

    async def _finish(self, attempt: _Attempt, state: JobState, **changes: object) -> None:
        name, now = attempt.job.name, self._clock.now()

        def change(current: Job) -> Job:
            ttl = current.ttl_seconds or self._settings.default_ttl_seconds
            expire = current.expire_time or now + timedelta(seconds=ttl)
            return current.to(state, now, expire_time=expire, **changes)

        done = await asyncio.to_thread(self._store.change, name, change, owner=attempt.owner)
        reason = done.error.reason if done.error else ""
        seconds = (now - done.create_time).total_seconds()
        self._sink.emit(JobFinished(done.name, state, reason, seconds))
        _log.info("job_finished", state=state.value, seconds=round(seconds, 3))
        self._notices.notify(name)
