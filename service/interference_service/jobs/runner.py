"""Runs jobs: claims them by lease, keeps the lease alive, writes how they end."""

import asyncio
import contextvars
import time
import uuid
from collections.abc import Callable
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
from interference_service.domain.result import Analysis, AnalysisResult
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.domain.verdict import Verdict
from interference_service.errors import (
    Cancelled,
    LeaseLost,
    NotFound,
    RunTimeout,
    ServiceError,
    StoreUnavailable,
    WorkerLost,
)
from interference_service.jobs.leases import Attempt, Leases
from interference_service.jobs.notices import Notices, wait_set
from interference_service.jobs.previous import with_changes
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
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._executor = executor
        self._sink = sink
        self._clock = clock
        self._notices = notices
        self._settings = settings
        self._leases = Leases(
            store,
            clock,
            notices,
            lease_seconds=settings.lease_seconds,
            beat_seconds=settings.beat_seconds,
        )
        self._tracer = tracer
        # A pool of their own: analyses must not take the threads in which the store is asked.
        self._threads = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="analysis")
        self._draining = asyncio.Event()
        self._stopping = asyncio.Event()
        self._abandoned: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Run jobs until ``drain`` or ``stop`` is called and none runs any more."""
        with self._notices.subscribe(QUEUE) as notice:
            while not self._draining.is_set():
                notice.clear()
                if not await self._start_next():
                    await wait_set(notice, self._settings.look_seconds)
        if self._running:
            await asyncio.wait(self._running)
        self._threads.shutdown(wait=False)
        self._leases.close()

    def drain(self) -> None:
        """Take no more jobs; those that run go on to their ends."""
        self._draining.set()
        self._notices.notify(QUEUE)

    def stop(self) -> None:
        """Take no more jobs; those that run go back to the queue."""
        self._draining.set()
        self._stopping.set()
        self._notices.notify_all()

    def abandon(self) -> None:
        """After ``stop``: wait no longer for analyses; whatever their threads do, it is in vain."""
        if not self._abandoned.done():
            self._abandoned.set_result(None)

    async def _start_next(self) -> bool:
        if len(self._running) >= self._settings.concurrency:
            return False
        # An owner of its own for every attempt: one that lost its lease cannot end another.
        try:
            attempt = await self._leases.claim(uuid.uuid4().hex)
        except StoreUnavailable:
            return False  # The store has told it.
        except Exception:  # noqa: BLE001 - whatever it is, the queue goes on
            _log.exception("claim_failed")
            return False
        if attempt is None:
            return False
        task = asyncio.create_task(self._run_guarded(attempt))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return True

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._notices.notify(QUEUE)

    async def _run_guarded(self, attempt: Attempt) -> None:
        job = attempt.job
        with (
            structlog.contextvars.bound_contextvars(
                job=job.name, project=job.project, principal=job.creator, attempt=job.attempt
            ),
            self._tracer.follow("attempt", job.trace_parent, attempt.attributes),
        ):
            try:
                await self._run(attempt)
            except (LeaseLost, NotFound):
                _log.warning("lease_lost")
                self._tracer.fail("lease_lost")
            except Exception:  # noqa: BLE001 - the lease runs out and the job is taken up again
                _log.exception("attempt_lost")
                self._tracer.fail("attempt_lost")

    async def _run(self, attempt: Attempt) -> None:
        job = attempt.job
        self._notices.notify(job.name)
        if job.state is JobState.CANCELLING:
            await self._finish(attempt, JobState.CANCELLED)
            return
        if job.attempt > self._settings.max_attempts:
            lost = WorkerLost(f"the server died in each of {job.attempt - 1} attempts")
            await self._finish(attempt, JobState.FAILED, error=JobError.of(lost))
            return
        # The clock of the replica that made the job may be ahead of this one's.
        waited = max(0.0, (self._clock.now() - job.create_time).total_seconds())
        self._sink.emit(AttemptStarted(job.name, job.attempt, waited))
        _log.info("attempt_started")
        # The lease is kept until the end is written, however long the writing of the result takes.
        lease = asyncio.create_task(self._leases.keep(attempt, self._stopping))
        try:
            await self._end(attempt, lease)
        finally:
            lease.cancel()
            with suppress(asyncio.CancelledError, LeaseLost):
                await lease

    async def _end(self, attempt: Attempt, lease: "asyncio.Task[None]") -> None:
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

    async def _execute(self, attempt: Attempt, lease: "asyncio.Task[None]") -> Analysis:
        """Run the analysis in a thread, which has ended on return unless jobs are abandoned."""
        run = partial(self._executor.run, attempt.job, attempt.report, attempt.stop)
        in_context = partial(contextvars.copy_context().run, run)
        work = asyncio.get_running_loop().run_in_executor(self._threads, in_context)
        any_of: set[asyncio.Future[Any]] = {work, lease, self._abandoned}
        await asyncio.wait(any_of, return_when=asyncio.FIRST_COMPLETED)
        if lease.done():
            attempt.stop.set()
            either: set[asyncio.Future[Any]] = {work, self._abandoned}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            await lease
        if not work.done():
            raise Cancelled("the analysis does not stop")
        return await work

    async def _stopped(self, attempt: Attempt, error: Cancelled) -> None:
        job, now = attempt.job, self._clock.now()
        if attempt.timed_out:
            limit = job.specification.max_run_duration
            late = RunTimeout.at("max_run_duration", f"{limit} passed before the analysis was done")
            await self._finish(attempt, JobState.FAILED, error=JobError.of(late))
            return
        stopping = self._stopping.is_set()

        def change(current: Job) -> Job:
            if current.state is JobState.CANCELLING:
                return self._at_end(current, JobState.CANCELLED, now)
            if stopping:
                # What is handed back was not lost, so it does not count as an attempt.
                return current.to(JobState.PENDING, now, attempt=current.attempt - 1)
            return self._at_end(current, JobState.FAILED, now, error=JobError.of(error))

        await self._change(attempt, change, now)

    async def _failed(self, attempt: Attempt, error: Exception) -> None:
        incident = uuid.uuid4().hex
        if isinstance(error, ServiceError):
            _log.warning("job_failed", reason=error.reason, message=error.message)
        else:
            _log.error("job_crashed", incident=incident, exc_info=error)
        await self._finish(attempt, JobState.FAILED, error=error_of(error, incident))

    async def _succeeded(self, attempt: Attempt, analysis: Analysis) -> None:
        job, started = attempt.job, time.monotonic()
        previous = await self._leases.previous(attempt)
        try:
            with self._tracer.span("write"):
                result, verdict = await asyncio.to_thread(self._judged, job, analysis, previous)
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
            error=None,  # that it was to be cancelled came too late
            verdict=verdict,
            resolved_inputs=analysis.resolved_inputs,
            engine_version=analysis.result.method.engine_version,
            progress=written,
        )

    def _judged(
        self, job: Job, analysis: Analysis, previous: Job | None
    ) -> tuple[AnalysisResult, Verdict]:
        """The result beside the previous one, and what the gates say of it."""
        result = with_changes(self._artifacts, job, analysis.result, previous)
        return result, judge_all(job.specification.gates, result, analysis.matrices)

    async def _finish(self, attempt: Attempt, state: JobState, **changes: object) -> None:
        now = self._clock.now()
        await self._change(
            attempt, lambda current: self._at_end(current, state, now, **changes), now
        )

    def _at_end(self, current: Job, state: JobState, now: datetime, **changes: object) -> Job:
        ttl = current.ttl_seconds or self._settings.default_ttl_seconds
        expire = current.expire_time or now + timedelta(seconds=ttl)
        return current.to(state, now, expire_time=expire, **changes)

    async def _change(self, attempt: Attempt, change: Callable[[Job], Job], now: datetime) -> None:
        """Write what became of an attempt, and tell it."""
        done = await self._leases.change(attempt, change)
        if done.state is JobState.PENDING:
            _log.info("handed_back")
            return
        reason = done.error.reason if done.error else ""
        seconds = max(0.0, (now - done.create_time).total_seconds())
        self._sink.emit(JobFinished(done.name, done.state, reason, seconds))
        _log.info("job_finished", state=done.state.value, seconds=round(seconds, 3))
        self._notices.notify(done.name)
