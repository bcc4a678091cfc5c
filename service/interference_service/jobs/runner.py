"""Runs jobs: claims them by lease, keeps the lease alive, writes how they end."""

import asyncio
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from interference_service.domain.events import AttemptStarted, JobFinished
from interference_service.domain.gates import judge_all
from interference_service.domain.job import Job, JobError, JobState, Progress, error_of
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

    concurrency: int = 2
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
    """What the thread of an analysis and the event loop share."""

    def __init__(self) -> None:
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
        self._owner = str(uuid.uuid4())
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

    def stop(self) -> None:
        """Take no more jobs; those that run go back to the queue."""
        self._stopping.set()
        self._notices.notify_all()

    async def _start_next(self) -> bool:
        if len(self._running) >= self._settings.concurrency:
            return False
        now = self._clock.now()
        try:
            job = await asyncio.to_thread(self._store.claim, self._owner, now, self._lease_end())
        except Exception:  # noqa: BLE001 - a store that is away comes back; the queue goes on
            _log.exception("claim_failed")
            return False
        if job is None:
            return False
        task = asyncio.create_task(self._run_guarded(job))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return True

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._notices.notify(QUEUE)

    async def _run_guarded(self, job: Job) -> None:
        with structlog.contextvars.bound_contextvars(job=job.name, attempt=job.attempt):
            try:
                await self._run(job)
            except (LeaseLost, NotFound):
                _log.warning("lease_lost")
            except Exception:  # noqa: BLE001 - the lease runs out and the job is taken up again
                _log.exception("attempt_lost")

    async def _run(self, job: Job) -> None:
        self._notices.notify(job.name)
        if job.state is JobState.CANCELLING:
            await self._finish(job, JobState.CANCELLED)
            return
        if job.attempt > self._settings.max_attempts:
            lost = WorkerLost(f"the server died in each of {job.attempt - 1} attempts")
            await self._finish(job, JobState.FAILED, error=JobError.of(lost))
            return
        waited = (self._clock.now() - job.create_time).total_seconds()
        self._sink.emit(AttemptStarted(job.name, job.attempt, waited))
        _log.info("attempt_started")
        attempt = _Attempt()
        try:
            analysis = await self._execute(job, attempt)
        except Cancelled as error:
            await self._stopped(job, attempt, error)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was ends this job and nothing else
            await self._failed(job, error)
        else:
            await self._succeeded(job, analysis)

    async def _execute(self, job: Job, attempt: _Attempt) -> Analysis:
        """Run the analysis in a thread and keep its lease; the thread has ended on return."""
        work = asyncio.create_task(
            asyncio.to_thread(self._executor.run, job, attempt.report, attempt.stop)
        )
        lease = asyncio.create_task(self._keep_lease(job, attempt))
        try:
            await asyncio.wait({work, lease}, return_when=asyncio.FIRST_COMPLETED)
            if lease.done() and lease.exception() is not None:
                attempt.stop.set()
                await asyncio.wait({work})
                await lease
            return await work
        finally:
            attempt.stop.set()
            lease.cancel()
            with suppress(asyncio.CancelledError, LeaseLost):
                await lease

    async def _keep_lease(self, job: Job, attempt: _Attempt) -> None:
        """Prolong the lease, write the progress, and see whether the job is to stop."""
        limit = job.specification.max_run_duration
        started = self._clock.now()
        with self._notices.subscribe(job.name) as notice:
            while True:
                notice.clear()
                state = await asyncio.to_thread(
                    self._store.renew, job.name, self._owner, self._lease_end(), attempt.progress
                )
                if state is None:
                    raise LeaseLost(f"another worker holds {job.name}")
                if limit is not None and self._clock.now() - started > limit:
                    attempt.timed_out = True
                if state is JobState.CANCELLING or attempt.timed_out or self._stopping.is_set():
                    attempt.stop.set()
                await wait_set(notice, self._settings.beat_seconds)

    def _lease_end(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._settings.lease_seconds)

    async def _stopped(self, job: Job, attempt: _Attempt, error: Cancelled) -> None:
        now = self._clock.now()
        if attempt.timed_out:
            limit = job.specification.max_run_duration
            late = RunTimeout.at("max_run_duration", f"{limit} passed before the analysis was done")
            await self._finish(job, JobState.FAILED, error=JobError.of(late))
            return
        state = (await asyncio.to_thread(self._store.get, job.name)).state
        if state is JobState.CANCELLING:
            await self._finish(job, JobState.CANCELLED)
        elif self._stopping.is_set():
            await asyncio.to_thread(
                self._store.change,
                job.name,
                lambda current: current.to(JobState.PENDING, now),
                owner=self._owner,
            )
            _log.info("handed_back")
        else:
            await self._failed(job, error)

    async def _failed(self, job: Job, error: Exception) -> None:
        incident = uuid.uuid4().hex
        if isinstance(error, ServiceError):
            _log.warning("job_failed", reason=error.reason, message=error.message)
        else:
            _log.error("job_crashed", incident=incident, exc_info=error)
        await self._finish(job, JobState.FAILED, error=error_of(error, incident))

    async def _succeeded(self, job: Job, analysis: Analysis) -> None:
        try:
            verdict = judge_all(job.specification.gates, analysis.result, analysis.matrices)
            await asyncio.to_thread(self._artifacts.write, job, analysis.result, analysis.matrices)
        except Exception as error:  # noqa: BLE001 - a full disk fails this job, not the queue
            await self._failed(job, error)
            return
        await self._finish(
            job, JobState.SUCCEEDED, verdict=verdict, resolved_inputs=analysis.resolved_inputs
        )

    async def _finish(self, job: Job, state: JobState, **changes: object) -> None:
        now = self._clock.now()

        def change(current: Job) -> Job:
            ttl = current.ttl_seconds or self._settings.default_ttl_seconds
            expire = current.expire_time or now + timedelta(seconds=ttl)
            return current.to(state, now, expire_time=expire, **changes)

        done = await asyncio.to_thread(self._store.change, job.name, change, owner=self._owner)
        reason = done.error.reason if done.error else ""
        seconds = (now - done.create_time).total_seconds()
        self._sink.emit(JobFinished(done.name, state, reason, seconds))
        _log.info("job_finished", state=state.value, seconds=round(seconds, 3))
        self._notices.notify(job.name)
