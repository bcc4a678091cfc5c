"""Runs one analysis on the cluster: scan, plan, gradients, reduce."""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from interference_service.compute import remote
from interference_service.compute.actors import JobActors
from interference_service.compute.classes import Value, group_table, label_table
from interference_service.compute.context import Inspection, JobContext
from interference_service.compute.fleet import RayFleet
from interference_service.compute.grouping import Grouping, grouped_by_class, grouped_by_label
from interference_service.compute.label_sets import label_set_table
from interference_service.compute.limits import Limits
from interference_service.compute.lost import Bounds
from interference_service.compute.models import ModelCache
from interference_service.compute.nodes import Nodes
from interference_service.compute.payloads import Call
from interference_service.compute.pool import ActorPool, Seat
from interference_service.compute.preflight import examine
from interference_service.compute.priors import setting_of
from interference_service.compute.rounds import Rounds, Scanned
from interference_service.compute.scanning import FragmentScan, field_of, told
from interference_service.compute.settings import ComputeSettings
from interference_service.compute.spares import PoolBounds
from interference_service.compute.summary import SummaryTask, parameter_norms
from interference_service.compute.tasks import Tasks
from interference_service.compute.tracking import Tracker
from interference_service.compute.worker_log import WorkerLog
from interference_service.core.sketch import Projection
from interference_service.domain.job import Job, Progress, ResolvedInputs, Stage
from interference_service.domain.options import MAX_CLASSES, LossKind
from interference_service.domain.ports import Cancellation, Clock, EventSink
from interference_service.domain.result import Analysis
from interference_service.domain.specification import AnalysisSpecification
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.references.data.source import Fragment
from interference_service.references.stores import Stores


class RayExecutor:
    """Runs analyses on the Ray cluster that this process is connected to.

    It must be entered first; at its end, after all analyses, its gradient actors are killed.
    """

    def __init__(
        self,
        *,
        stores: Stores,
        settings: ComputeSettings,
        sink: EventSink,
        clock: Clock,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._stores = stores
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._tracer = tracer
        self._nodes = Nodes()
        self._bounds = Bounds(tries=settings.max_tries, losses=settings.max_losses)
        bounds = PoolBounds(
            spares=settings.spare_actors,
            max_actors=settings.max_actors,
            idle_seconds=settings.spare_seconds,
            gpu_wait_seconds=settings.gpu_wait_seconds,
            max_tries=settings.max_tries,
        )
        self._models = ModelCache(settings.model_cache_bytes)
        self._pool = ActorPool(RayFleet(settings, self._nodes), bounds)
        self.workers = self._pool.workers
        self._tending = threading.Thread(target=self._pool.run, name="actor-pool", daemon=True)

    def __enter__(self) -> Self:
        self._tending.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.close()
        self._tending.join()

    def run(
        self, job: Job, report: Callable[[Progress], None], cancellation: Cancellation
    ) -> Analysis:
        """See ``ports.Executor.run``."""
        self._nodes.check()
        tracker = Tracker(
            job_name=job.name,
            report=report,
            sink=self._sink,
            clock=self._clock,
            tracer=self._tracer,
        )
        return _Run(
            job=job,
            context=self._context(job.specification),
            settings=self._settings,
            pool=self._pool,
            models=self._models,
            bounds=self._bounds,
            sink=self._sink,
            tracker=tracker,
            cancellation=cancellation,
        ).analysis()

    def check(
        self, specification: AnalysisSpecification, cancellation: Cancellation
    ) -> ResolvedInputs:
        """See ``ports.Preflight.check``."""
        self._nodes.check()
        tasks = Tasks(bounds=self._bounds, cancellation=cancellation, sink=self._sink)
        with self._tracer.span("preflight"):
            return examine(self._context(specification), tasks, self._models).resolved

    def _context(self, specification: AnalysisSpecification) -> JobContext:
        settings = self._settings
        return JobContext(
            specification,
            self._stores,
            settings.batch_rows,
            settings.unit_bytes,
            Limits(settings.parse_memory_bytes, settings.parse_seconds),
            WorkerLog.of_here(settings.configure_log),
        )


class _Run:
    """One analysis."""

    def __init__(
        self,
        *,
        job: Job,
        context: JobContext,
        settings: ComputeSettings,
        pool: ActorPool,
        models: ModelCache,
        bounds: Bounds,
        sink: EventSink,
        tracker: Tracker,
        cancellation: Cancellation,
    ) -> None:
        self._job = job
        self._context = context
        self._settings = settings
        self._pool = pool
        self._models = models
        self._sink = sink
        self._tracker = tracker
        self._cancellation = cancellation
        self._bounds = bounds
        self._tasks = Tasks(bounds=bounds, cancellation=cancellation, sink=sink)

    def analysis(self) -> Analysis:
        # An actor is got ready while the data is scanned, and is given up before the reduction.
        with self._seat() as seat:
            scanned, rounds, device = self._differentiated(seat)
        with self._tracker.stage(
            Stage.REDUCE, total=rounds.reductions_left + rounds.reducer.groups + 1
        ):
            analysis = self._finished(scanned, rounds, device)
        self._tracker.begin(Stage.WRITE, 1)
        return analysis

    def _differentiated(self, seat: Seat) -> tuple[Scanned, Rounds, str]:
        with self._tracker.stage(Stage.SCAN):
            scanned = self._scanned()
            rounds = Rounds(
                context=self._context,
                settings=self._settings,
                scanned=scanned,
                tasks=self._tasks,
                tracker=self._tracker,
            )
            rounds.fetch()
        with self._tracker.stage(Stage.GRADIENTS):
            actors = self._actors(scanned, rounds.projection)
            with actors.seated(seat):
                rounds.run(actors)
        return scanned, rounds, actors.device

    def _scanned(self) -> Scanned:
        with self._tracker.part("preflight"):
            found = examine(self._context, self._tasks, self._models)
        self._context, inspection = found.context, found.inspection
        self._tracker.begin(Stage.SCAN, 2 * len(inspection.fragments))
        by_label = self._context.specification.options.loss.kind is LossKind.MULTI_LABEL
        grouping = self._by_label(inspection) if by_label else self._by_class(inspection)
        setting = setting_of(
            self._context.specification,
            grouping.classes.ids,
            grouping.terms,
            grouping.selection.rows_available,
        )
        return Scanned(found, grouping, setting)

    def _finished(self, scanned: Scanned, rounds: Rounds, device: str) -> Analysis:
        reducer, inspection = rounds.reducer, scanned.inspection
        norms = parameter_norms(inspection, scanned.layers)
        scopes, layers, matrices = reducer.findings(
            rounds.statistics(), scanned.setting, norms, self._tracker.advance
        )
        task = SummaryTask(
            specification=self._context.specification,
            inspection=inspection,
            resolved=scanned.preflight.resolved,
            layers=scanned.layers,
            setting=scanned.setting,
            class_ids=scanned.grouping.classes.ids,
            rows_used=rounds.rows_used,
            rows_in_data=scanned.grouping.selection.rows_in_data,
            engine_version=self._settings.engine_version or self._job.engine_version,
            device=device,
            sampling_outcome=rounds.outcome.value,
            rounds=rounds.count,
            sketch_width=rounds.projection.width,
        )
        finish = self._tasks.call("the summary", remote.finish.remote, task, scopes, *layers)
        analysis: Analysis = self._values([finish])[0]
        return replace(analysis, matrices=reducer.matrices(analysis.matrices, matrices))

    def _by_class(self, inspection: Inspection) -> Grouping:
        """Rows of one class each, by their classes or by the values of another column."""
        data, fragments = self._context.specification.data, inspection.fragments
        scans: list[FragmentScan] = self._of_fragments(
            "the scan", remote.scan.remote, fragments, enumerate(fragments)
        )
        distinct = _union(scan.values for scan in scans)
        if not data.group_column:
            labels = label_table(distinct, data.class_names, inspection.num_outputs)
            return grouped_by_class(labels, labels, scans)
        alone = ((each,) for each in fragments)
        found = self._of_fragments("the labels", remote.labels.remote, fragments, alone)
        labels = label_table(_union(found), data.class_names, inspection.num_outputs)
        return grouped_by_class(labels, group_table(distinct, MAX_CLASSES), scans)

    def _by_label(self, inspection: Inspection) -> Grouping:
        """Rows of any number of labels, by one of their labels or by those that they lack."""
        fragments = inspection.fragments
        self._tracker.expect(len(fragments))
        alone = ((each,) for each in fragments)
        found = self._of_fragments("the labels", remote.find_labels.remote, fragments, alone)
        names = self._context.specification.data.class_names
        table = label_set_table(found, names, inspection.num_outputs)
        arguments = ((index, each, table) for index, each in enumerate(fragments))
        scans = self._of_fragments("the scan", remote.scan_label_sets.remote, fragments, arguments)
        return grouped_by_label(table, scans)

    def _seat(self) -> AbstractContextManager[Seat]:
        return self._pool.seat(self._job.settings.priority)

    def _actors(self, scanned: Scanned, projection: Projection) -> JobActors:
        return JobActors(
            self._seat,
            context=self._context,
            model=scanned.preflight.model,
            parameter_names=[name for layer in scanned.layers for name in layer.parameters],
            projection=projection,
            segmentation=scanned.inspection.segmentation,
            bounds=self._bounds,
            cancellation=self._cancellation,
            sink=self._sink,
        )

    def _of_fragments(
        self,
        what: str,
        function: Callable[..., Any],
        fragments: Sequence[Fragment],
        arguments: Iterable[tuple[Any, ...]],
    ) -> list[Any]:
        """What a function says of the job and of every fragment."""
        return self._values(
            [
                self._tasks.call(
                    f"{what} of {told(fragment)}",
                    function,
                    self._context,
                    *each,
                    reads=(field_of(fragment),),
                )
                for fragment, each in zip(fragments, arguments, strict=True)
            ]
        )

    def _values(self, calls: Sequence[Call]) -> list[Any]:
        return self._tasks.values(calls, self._tracker.advance)


def _union(values: Iterable[tuple[Value, ...]]) -> list[Value]:
    return list({each: None for some in values for each in some})
