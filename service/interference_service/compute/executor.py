"""Runs one analysis on the cluster: scan, plan, gradients, reduce."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from interference_service.compute import remote
from interference_service.compute.actors import JobActors
from interference_service.compute.calls import Submit
from interference_service.compute.classes import Value, group_table, label_table
from interference_service.compute.context import Inspection, JobContext
from interference_service.compute.fleet import RayFleet
from interference_service.compute.grouping import Grouping, grouped_by_class, grouped_by_label
from interference_service.compute.label_sets import label_set_table
from interference_service.compute.nodes import Nodes
from interference_service.compute.pool import ActorPool, Seat
from interference_service.compute.priors import setting_of
from interference_service.compute.rounds import Rounds, Scanned
from interference_service.compute.scanning import FragmentScan
from interference_service.compute.settings import ComputeSettings
from interference_service.compute.spares import PoolBounds
from interference_service.compute.summary import SummaryTask, parameter_norms
from interference_service.compute.tasks import Tasks
from interference_service.compute.tracking import Tracker
from interference_service.core.layers import HeadSelection, Layer, layers_of
from interference_service.core.sketch import Projection
from interference_service.domain.job import Job, Progress, Stage
from interference_service.domain.ports import Cancellation, Clock, EventSink
from interference_service.domain.result import Analysis
from interference_service.domain.specification import MAX_CLASSES, AnalysisOptions, LossKind
from interference_service.references.stores import Stores


class RayExecutor:
    """Runs analyses on the Ray cluster that this process is connected to.

    It must be entered first; at its end, after all analyses, its gradient actors are killed.
    """

    def __init__(
        self, *, stores: Stores, settings: ComputeSettings, sink: EventSink, clock: Clock
    ) -> None:
        self._stores = stores
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._nodes = Nodes()
        bounds = PoolBounds(
            spares=settings.spare_actors,
            max_actors=settings.max_actors,
            idle_seconds=settings.spare_seconds,
            gpu_wait_seconds=settings.gpu_wait_seconds,
            max_tries=settings.max_tries,
        )
        self._pool = ActorPool(RayFleet(settings, self._nodes), bounds)
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
        tracker = Tracker(job_name=job.name, report=report, sink=self._sink, clock=self._clock)
        return _Run(
            job=job,
            context=JobContext(
                job.specification,
                self._stores,
                self._settings.batch_rows,
                self._settings.unit_bytes,
            ),
            settings=self._settings,
            pool=self._pool,
            sink=self._sink,
            tracker=tracker,
            cancellation=cancellation,
        ).analysis()


class _Run:
    """One analysis."""

    def __init__(
        self,
        *,
        job: Job,
        context: JobContext,
        settings: ComputeSettings,
        pool: ActorPool,
        sink: EventSink,
        tracker: Tracker,
        cancellation: Cancellation,
    ) -> None:
        self._job = job
        self._context = context
        self._settings = settings
        self._pool = pool
        self._sink = sink
        self._tracker = tracker
        self._cancellation = cancellation
        self._tasks = Tasks(max_tries=settings.max_tries, cancellation=cancellation, sink=sink)

    def analysis(self) -> Analysis:
        # An actor is got ready while the data is scanned, and is given up before the reduction.
        with self._pool.seat(self._job.settings.priority) as seat:
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
            actors = self._actors(seat, scanned, rounds.projection)
            rounds.run(actors)
        return scanned, rounds, actors.device

    def _scanned(self) -> Scanned:
        inspection = self._inspect()
        by_label = self._context.specification.options.loss.kind is LossKind.MULTI_LABEL
        grouping = self._by_label(inspection) if by_label else self._by_class(inspection)
        setting = setting_of(
            self._context.specification,
            grouping.classes.ids,
            grouping.terms,
            grouping.selection.rows_available,
        )
        return Scanned(inspection, grouping, setting, self._layers(inspection))

    def _finished(self, scanned: Scanned, rounds: Rounds, device: str) -> Analysis:
        reducer, inspection = rounds.reducer, scanned.inspection
        norms = parameter_norms(inspection, scanned.layers)
        scopes, layers, matrices = reducer.findings(
            rounds.statistics(), scanned.setting, norms, self._tracker.advance
        )
        task = SummaryTask(
            specification=self._context.specification,
            inspection=inspection,
            layers=scanned.layers,
            setting=scanned.setting,
            class_ids=scanned.grouping.classes.ids,
            rows_used=rounds.rows_used,
            rows_in_data=scanned.grouping.selection.rows_in_data,
            engine_version=self._job.engine_version,
            device=device,
            sampling_outcome=rounds.outcome.value,
            rounds=rounds.count,
            sketch_width=rounds.projection.width,
        )
        found = self._values([partial(remote.finish.remote, task, scopes, *layers)], "summary")
        analysis: Analysis = found[0]
        return replace(analysis, matrices=reducer.matrices(analysis.matrices, matrices))

    def _inspect(self) -> Inspection:
        found = self._values([partial(remote.inspect.remote, self._context)], "inspection")
        inspection: Inspection = found[0]
        self._tracker.begin(Stage.SCAN, 2 * len(inspection.fragments))
        return inspection

    def _by_class(self, inspection: Inspection) -> Grouping:
        """Rows of one class each, by their classes or by the values of another column."""
        data = self._context.specification.data
        scans: list[FragmentScan] = self._values(
            [
                partial(remote.scan.remote, self._context, index, fragment)
                for index, fragment in enumerate(inspection.fragments)
            ],
            "scan of fragment",
        )
        distinct = _union(scan.values for scan in scans)
        if not data.group_column:
            labels = label_table(distinct, data.class_names, inspection.num_outputs)
            return grouped_by_class(labels, labels, scans)
        found = self._values(
            [
                partial(remote.labels.remote, self._context, fragment)
                for fragment in inspection.fragments
            ],
            "labels of fragment",
        )
        labels = label_table(_union(found), data.class_names, inspection.num_outputs)
        return grouped_by_class(labels, group_table(distinct, MAX_CLASSES), scans)

    def _by_label(self, inspection: Inspection) -> Grouping:
        """Rows of any number of labels, by one of their labels or by those that they lack."""
        context, fragments = self._context, inspection.fragments
        self._tracker.expect(len(fragments))
        found = self._values(
            [partial(remote.find_labels.remote, context, each) for each in fragments],
            "labels of fragment",
        )
        names = context.specification.data.class_names
        table = label_set_table(found, names, inspection.num_outputs)
        scans = self._values(
            [
                partial(remote.scan_label_sets.remote, context, index, each, table)
                for index, each in enumerate(fragments)
            ],
            "scan of fragment",
        )
        return grouped_by_label(table, scans)

    def _layers(self, inspection: Inspection) -> tuple[Layer, ...]:
        options = self._context.specification.options
        return layers_of(
            inspection.shapes,
            num_outputs=inspection.num_outputs,
            depth=options.layer_depth,
            globs=options.layer_globs,
            head=_head(options),
        )

    def _actors(self, seat: Seat, scanned: Scanned, projection: Projection) -> JobActors:
        return JobActors(
            seat,
            context=self._context,
            parameter_names=[name for layer in scanned.layers for name in layer.parameters],
            projection=projection,
            segmentation=scanned.inspection.segmentation,
            max_tries=self._settings.max_tries,
            cancellation=self._cancellation,
            sink=self._sink,
        )

    def _values(self, submissions: Sequence[Submit], what: str) -> list[Any]:
        return self._tasks.values(submissions, what=what, done=self._tracker.advance)


def _union(values: Iterable[tuple[Value, ...]]) -> list[Value]:
    return list({each: None for some in values for each in some})


def _head(options: AnalysisOptions) -> HeadSelection:
    rule = options.head.rule.value.removeprefix("HEAD_RULE_").lower()
    return HeadSelection(rule, options.head.pattern)
