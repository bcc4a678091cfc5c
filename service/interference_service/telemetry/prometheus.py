"""Series of this process: what happened, counted. The only module that knows their names.

States, reasons and stages are labelled by their names in the contract. All known label values are
there from the start, so that the first failure is an increase.
"""

import asyncio
from collections.abc import Mapping
from typing import assert_never

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from interference_service import errors
from interference_service.domain.events import (
    AttemptStarted,
    DependencySeen,
    Event,
    JobFinished,
    JobSubmitted,
    LoopTurned,
    ReadinessSeen,
    RowsDifferentiated,
    StageFinished,
    UsageEvent,
    WorkDone,
    WorkerDied,
)
from interference_service.domain.job import JobState, Stage
from interference_service.telemetry.exemplars import Exemplar, no_exemplar
from interference_service.telemetry.process import ProcessMetrics
from interference_service.telemetry.rpc import RpcMetrics
from interference_service.telemetry.usage import UsageMetrics
from interference_service.telemetry.workers import WorkerMetrics

_FAILURES = (
    errors.InputUnavailable,
    errors.InputUnsupported,
    errors.InvalidData,
    errors.NonFinite,
    errors.OutOfMemory,
    errors.WorkerLost,
    errors.RunTimeout,
    errors.InternalError,
)
_ENDS = (
    (JobState.SUCCEEDED, ""),
    (JobState.CANCELLED, errors.Cancelled.reason),
    *((JobState.FAILED, failure.reason) for failure in _FAILURES),
)
_STAGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
_JOB_BUCKETS = (1, 2, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 14400, 43200, 86400)


class ServiceMetrics:
    """``EventSink`` that counts; safe to share among threads."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        build: Mapping[str, str],
        exemplar: Exemplar = no_exemplar,
        max_projects: int = 100,
    ) -> None:
        """Register all series.

        Args:
            registry: Where they are scraped.
            build: What runs, by the names of the labels that tell it.
            exemplar: Names the trace of what is measured.
            max_projects: Projects that have series of their own; the others share one.
        """
        # Nobody asks when a counter began; to say so would double the series.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # unannotated there
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        told = Info(
            "interference_build",
            "Versions of what runs; the revision is a fingerprint of the sources of the service.",
            registry=registry,
        )
        told.info(dict(build))
        self._exemplar = exemplar
        self._tasks = Gauge(
            "interference_event_loop_tasks",
            "Tasks of the event loop; some for every call that is open.",
            registry=registry,
        )
        self._rpc = RpcMetrics(registry, exemplar)
        self.observe_rpc = self._rpc.observe
        self.observe_stuck_stream = self._rpc.observe_stuck
        self._process = ProcessMetrics(registry)
        self.follow_loop = self._process.follow_loop
        self._make_job_metrics(registry)
        self._workers = WorkerMetrics(registry)
        self.follow_workers = self._workers.follow
        self._usage = UsageMetrics(registry, max_projects)
        self._begin_at_zero()

    def follow_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count the tasks of an event loop at every scrape."""
        self._tasks.set_function(lambda: len(asyncio.all_tasks(loop)))

    def _make_job_metrics(self, registry: CollectorRegistry) -> None:
        self._submitted = Counter(
            "interference_jobs_submitted", "Jobs that were accepted.", registry=registry
        )
        self._finished = Counter(
            "interference_jobs_finished",
            "Jobs that this process brought to an end; the reason is empty for success.",
            ("state", "reason"),
            registry=registry,
        )
        self._attempts = Counter(
            "interference_job_attempts",
            "Attempts that this process began; a retry follows a lost or stopped worker.",
            ("kind",),
            registry=registry,
        )
        self._job_seconds = Histogram(
            "interference_job_duration_seconds",
            "Time from the creation of a job to its end.",
            buckets=_JOB_BUCKETS,
            registry=registry,
        )
        self._stage_seconds = Histogram(
            "interference_stage_duration_seconds",
            "Time in a stage of an attempt; QUEUED is the wait before the first attempt.",
            ("stage",),
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )

    def _begin_at_zero(self) -> None:
        for state, reason in _ENDS:
            self._finished.labels(state.value, reason)
        for kind in ("first", "retry"):
            self._attempts.labels(kind)
        for stage in Stage:
            self._stage_seconds.labels(stage.value)

    def emit(self, event: Event) -> None:
        """See ``EventSink.emit``."""
        if isinstance(event, UsageEvent):
            self._usage.emit(event)
            return
        match event:
            case JobSubmitted():
                self._submitted.inc()
            case AttemptStarted(_, attempt, waited):
                self._begin(attempt, waited)
            case StageFinished(_, stage, seconds):
                self._stage_seconds.labels(stage.value).observe(seconds, self._exemplar())
            case RowsDifferentiated() | WorkerDied():
                self._workers.note(event)
            case WorkDone():
                pass  # for traces; there is no end of kinds of work to count
            case JobFinished(_, state, reason, seconds):
                self._finished.labels(state.value, reason).inc()
                self._job_seconds.observe(seconds)
            case DependencySeen() | ReadinessSeen() | LoopTurned():
                self._process.note(event)
            case _:
                assert_never(event)

    def _begin(self, attempt: int, waited_seconds: float) -> None:
        self._attempts.labels("first" if attempt == 1 else "retry").inc()
        if attempt == 1:
            self._stage_seconds.labels(Stage.QUEUED.value).observe(waited_seconds)
