"""Series of the store: the newest result of every monitor, and the queue.

They come from the store, not from this process. So a restart keeps them, replicas agree, and what
is deleted or expired vanishes at the next scrape. How many there are is bounded: of M monitors, each
with what ``series`` says of it and two more, and of P projects

    series <= min(M, max_monitors) * (2 + those of a monitor) + min(P, max_projects) + 7
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from interference_service.domain.job import Job
from interference_service.domain.ports import ArtifactStore, JobStore
from interference_service.domain.result import AnalysisResult, Matrix
from interference_service.errors import InternalError
from interference_service.telemetry.blocks import Block, BlockGauge, Labels
from interference_service.telemetry.descriptions import HELP
from interference_service.telemetry.projects import bounded
from interference_service.telemetry.series import (
    LAYERS_MATRIX,
    SUPPRESSION_MATRIX,
    Amounts,
    Limits,
    monitor_blocks,
    monitor_labels,
)

_GENERATION = "interference_monitor_result_generation"
_FAILED = "interference_monitor_failed_analyses"
_MAX_ELEMENTS = 1 << 22
"""A matrix with more of them (32 MB) is not read; what it would tell is told without amounts."""
_Monitor = tuple[str, str]
_log = structlog.get_logger(__name__)


class ResultCollector(Collector):
    """Collects the newest results, read again only when the store's generation has changed."""

    def __init__(
        self,
        store: JobStore,
        artifacts: ArtifactStore,
        *,
        max_monitors: int = 1000,
        max_classes: int = 50,
        max_layers: int = 5,
        max_projects: int = 100,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        """Collect from these stores.

        Args:
            store: Says which results are the newest.
            artifacts: Has them.
            max_monitors: Monitors that become series, those with the newest results; then those
                that have none and fail.
            max_classes: Classes of a monitor; minorities first, then the smallest.
            max_layers: Layers of a monitor; those with the most conflicting pairs.
            max_projects: Projects whose jobs are counted, those with the most.
            seconds: The present, in seconds of the Unix era.
        """
        self._store = store
        self._artifacts = artifacts
        self._max_monitors = max_monitors
        self._limits = Limits(max_classes, max_layers)
        self._max_projects = max_projects
        self._seconds = seconds
        self._lock = threading.Lock()
        self._latest: Sequence[Job] = ()
        self._blocks: dict[str, dict[str, Block]] = {}
        self._generation: int | None = None
        self._families: Sequence[Metric] = ()

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering does not read the store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All series; those of results are missing if the store cannot be read."""
        with self._lock:
            try:
                complete = self._refresh()
                families = [*self._families, *self._backlog()]
            except Exception:  # noqa: BLE001 - a store that is away must not end the scrape
                _log.exception("results_collect_failed")
                complete, families = False, []
        return [
            *families,
            GaugeMetricFamily(
                "interference_results_collect_failed",
                "1 if the store or a result could not be read, so that series are missing.",
                float(not complete),
            ),
        ]

    def _refresh(self) -> bool:
        """Bring the series up to date; whether every result could be read."""
        # Asked first: what changes while the results are read is read again next time.
        generation = self._store.generation()
        if generation == self._generation:
            return True
        self._latest = latest = self._store.latest(self._latest)
        failures = self._store.failures()
        shown = _newest(latest, self._max_monitors)
        blocks = {job.uid: self._known_or_read(job) for job in shown}
        self._blocks = {uid: found for uid, found in blocks.items() if found is not None}
        read = [job for job in shown if job.uid in self._blocks]
        failing = self._failing(shown, failures)
        known = failures.keys() | {_monitor(job) for job in latest}
        self._families = [
            *self._gauges(read, generation),
            BlockGauge(
                _FAILED,
                "Analyses of the monitor that failed since its last one that succeeded.",
                [Block(_FAILED, failing)],
            ),
            GaugeMetricFamily(
                "interference_truncated_monitors",
                "Monitors that have no series, because there are too many.",
                float(len(known) - len(failing)),
            ),
        ]
        complete = len(read) == len(shown)
        self._generation = generation if complete else None
        return complete

    def _known_or_read(self, job: Job) -> dict[str, Block] | None:
        """The blocks of a job, whose result never changes; None if it cannot be read."""
        if job.uid in self._blocks:
            return self._blocks[job.uid]
        try:
            result = self._artifacts.read_result(job)
            amounts = Amounts(
                self._matrix(job, result, SUPPRESSION_MATRIX),
                self._matrix(job, result, LAYERS_MATRIX),
            )
        except InternalError as error:
            _log.warning("result_unreadable", job=job.name, message=error.message)
            return None
        return monitor_blocks(job, result, amounts, self._limits)

    def _matrix(self, job: Job, result: AnalysisResult, matrix_id: str) -> Matrix | None:
        """A matrix of a result; None if it has none, or one that is too large to be read here."""
        info = next((each for each in result.matrices if each.id == matrix_id), None)
        if info is None or info.row_count * info.column_count > _MAX_ELEMENTS:
            return None
        return self._artifacts.read_matrix(job, matrix_id)

    def _failing(
        self, shown: Sequence[Job], failures: Mapping[_Monitor, int]
    ) -> list[tuple[Labels, float]]:
        """Failures of the monitors that have results, and of others as far as there is room."""
        with_results = {_monitor(job): failures.get(_monitor(job), 0) for job in shown}
        others = sorted(
            (-count, monitor) for monitor, count in failures.items() if monitor not in with_results
        )[: self._max_monitors - len(shown)]
        told = with_results | {monitor: -count for count, monitor in others}
        return [
            (Labels({"project": project, "monitor": monitor}), float(count))
            for (project, monitor), count in told.items()
        ]

    def _gauges(self, jobs: Sequence[Job], generation: int) -> Sequence[Metric]:
        found = [self._blocks[job.uid] for job in jobs]
        gauges = [
            BlockGauge(name, text, [blocks[name] for blocks in found if name in blocks])
            for name, text in HELP.items()
        ]
        monitors = [Labels(monitor_labels(job)) for job in jobs]
        points = [(labels, float(generation)) for labels in monitors]
        return [
            *gauges,
            BlockGauge(
                _GENERATION,
                "State of the store that these series show; of two replicas, the higher is newer.",
                [Block(_GENERATION, points)],
            ),
        ]

    def _backlog(self) -> Iterable[Metric]:
        backlog = self._store.backlog()
        jobs = GaugeMetricFamily("interference_jobs", "Unfinished jobs.", labels=["state"])
        for state, count in backlog.by_state.items():
            jobs.add_metric([state.value], float(count))
        active = GaugeMetricFamily(
            "interference_jobs_active",
            "Unfinished jobs of the projects that have the most, and of all others.",
            labels=["project"],
        )
        for project, count in bounded(backlog.by_project, self._max_projects).items():
            active.add_metric([project], float(count))
        oldest = backlog.oldest_pending
        age = 0.0 if oldest is None else max(0.0, self._seconds() - oldest.timestamp())
        return (
            jobs,
            active,
            GaugeMetricFamily(
                "interference_queue_oldest_job_age_seconds",
                "How long the oldest pending job has waited; 0 without one.",
                age,
            ),
        )


def _monitor(job: Job) -> _Monitor:
    return job.project, job.specification.model.monitor


def _newest(jobs: Sequence[Job], most: int) -> Sequence[Job]:
    """The jobs that ended last, in the order of their monitors."""
    by_age = sorted(jobs, key=lambda job: job.end_time or job.update_time, reverse=True)
    return sorted(by_age[:most], key=lambda job: (job.project, job.specification.model.monitor))
