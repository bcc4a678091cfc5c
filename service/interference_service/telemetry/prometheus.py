"""Series of this process: what happened, counted. The only module that knows their names.

States, reasons and stages are labelled by their names in the contract. All known label values are
there from the start, so that the first failure is an increase.
"""

import asyncio
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
)

from interference_service import __version__, errors
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
from interference_service.telemetry.process import ProcessMetrics
from interference_service.telemetry.rpc import RpcMetrics
from interference_service.telemetry.usage import UsageMetrics

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
_DEVICES = ("cpu", "cuda")
_LOSSES = ("died", "out_of_memory", "node_died")
_STAGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
_JOB_BUCKETS = (1, 2, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 14400, 43200, 86400)


class ServiceMetrics:
    """``EventSink`` that counts; safe to share among threads."""

    def __init__(self, registry: CollectorRegistry, *, max_projects: int = 100) -> None:
        """Register all series.

        Args:
            registry: Where they are scraped.
            max_projects: Projects that have series of their own; the others share one.
        """
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        build = Info("interference_build", "Version of the service.", registry=registry)
        build.info({"version": __version__})
        self._tasks = Gauge(
            "interference_event_loop_tasks",
            "Tasks of the event loop; some for every call that is open.",
            registry=registry,
        )
        self._rpc = RpcMetrics(registry)
        self.observe_rpc = self._rpc.observe
        self.observe_stuck_stream = self._rpc.observe_stuck
        self._process = ProcessMetrics(registry)
        self.follow_loop = self._process.follow_loop
        self._make_job_metrics(registry)
        self._make_work_metrics(registry)
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

    def _make_work_metrics(self, registry: CollectorRegistry) -> None:
        self._stage_seconds = Histogram(
            "interference_stage_duration_seconds",
            "Time in a stage of an attempt; QUEUED is the wait before the first attempt.",
            ("stage",),
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._rows = Counter(
            "interference_gradient_rows",
            "Rows whose gradients were computed.",
            ("device",),
            registry=registry,
        )
        self._gradient_seconds = Counter(
            "interference_gradient_seconds",
            "Time that workers spent on gradients, summed over workers.",
            registry=registry,
        )
        self._workers_lost = Counter(
            "interference_workers_lost",
            "Workers that were lost; their work ran again elsewhere.",
            ("reason",),
            registry=registry,
        )

    def _begin_at_zero(self) -> None:
        for state, reason in _ENDS:
            self._finished.labels(state.value, reason)
        for kind in ("first", "retry"):
            self._attempts.labels(kind)
        for stage in Stage:
            self._stage_seconds.labels(stage.value)
        for device in _DEVICES:
            self._rows.labels(device)
        for reason in _LOSSES:
            self._workers_lost.labels(reason)

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
                self._stage_seconds.labels(stage.value).observe(seconds)
            case RowsDifferentiated(rows, seconds, device):
                self._rows.labels(device).inc(rows)
                self._gradient_seconds.inc(seconds)
            case WorkDone():
                pass  # for traces; there is no end of kinds of work to count
            case WorkerDied(reason):
                self._workers_lost.labels(reason).inc()
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
