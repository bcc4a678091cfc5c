"""Runs one analysis on the cluster: scan, plan, gradients, reduce."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from interference_service.compute import cluster, remote
from interference_service.compute.actors import ActorPool
from interference_service.compute.calls import Refs, Submit, run_tasks, value
from interference_service.compute.classes import ClassTable, Value, group_table, label_table
from interference_service.compute.context import Inspection, JobContext, ReduceTask
from interference_service.compute.plan import Unit, column_blocks, gradient_bytes, units_of
from interference_service.compute.priors import setting_of
from interference_service.compute.scanning import FragmentScan
from interference_service.compute.selection import Selection, select
from interference_service.compute.settings import ComputeSettings
from interference_service.compute.submission import submit_unit
from interference_service.compute.summary import SummaryTask
from interference_service.core.folds import FoldLayout, fold_layout
from interference_service.core.layers import HeadSelection, Layer, layers_of
from interference_service.domain.events import StageFinished
from interference_service.domain.job import Job, Progress, Stage
from interference_service.domain.ports import Cancellation, Clock, EventSink
from interference_service.domain.result import Analysis
from interference_service.domain.specification import MAX_CLASSES, AnalysisOptions, Precision
from interference_service.references.stores import Stores


class RayExecutor:
    """Runs analyses on the Ray cluster that this process is connected to."""

    def __init__(
        self, *, stores: Stores, settings: ComputeSettings, sink: EventSink, clock: Clock
    ) -> None:
        self._stores = stores
        self._settings = settings
        self._sink = sink
        self._clock = clock

    def run(
        self, job: Job, report: Callable[[Progress], None], cancellation: Cancellation
    ) -> Analysis:
        """See ``ports.Executor.run``."""
        context = JobContext(job.specification, self._stores, self._settings.batch_rows)
        return _Run(
            job=job,
            context=context,
            settings=self._settings,
            sink=self._sink,
            clock=self._clock,
            report=report,
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
        sink: EventSink,
        clock: Clock,
        report: Callable[[Progress], None],
        cancellation: Cancellation,
    ) -> None:
        self._job = job
        self._context = context
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._report = report
        self._cancellation = cancellation
        self._stage = Stage.SCAN
        self._completed = self._total = 0

    def analysis(self) -> Analysis:
        with self._in_stage(Stage.SCAN):
            inspection = self._inspect()
            labels, classes, scans = self._scan(inspection)
            selection = select(
                [scan.sample for scan in scans],
                [classes.indices(np.array(scan.values)) for scan in scans],
                len(classes.ids),
            )
            setting = setting_of(self._context.specification, classes.ids, selection.rows_in_data)
            layers = self._layers(inspection)
            layout = fold_layout(selection.rows_used, self._context.specification.options.folds)
            units = self._units(layers, layout)
            columns = self._columns(layers, layout)
            blocks = self._fetch(inspection, selection, labels)
        with self._in_stage(Stage.GRADIENTS):
            arrays, device = self._gradients(layers, units, columns, selection, blocks, classes)
        del blocks
        with self._in_stage(Stage.REDUCE, total=len(columns) + 1):
            parts = self._reduce(layers, layout, units, columns, arrays)
            task = SummaryTask(
                specification=self._context.specification,
                inspection=inspection,
                layers=layers,
                setting=setting,
                class_ids=classes.ids,
                rows_used=selection.rows_used,
                rows_in_data=selection.rows_in_data,
                engine_version=self._job.engine_version,
                device=device,
            )
            done = self._tasks([lambda: remote.finish.remote(task, *parts)], what="summary")
            analysis: Analysis = value(done[0], self._cancellation)
        self._begin(Stage.WRITE, 1)
        return analysis

    def _inspect(self) -> Inspection:
        done = self._tasks([lambda: remote.inspect.remote(self._context)], what="inspection")
        inspection: Inspection = value(done[0], self._cancellation)
        self._begin(Stage.SCAN, 2 * len(inspection.fragments))
        return inspection

    def _scan(self, inspection: Inspection) -> tuple[ClassTable, ClassTable, list[FragmentScan]]:
        """Classes of the labels, classes or groups of the analysis, and what every fragment has."""
        data = self._context.specification.data
        scans: list[FragmentScan] = self._values(
            [
                partial(remote.scan.remote, self._context, index, fragment)
                for index, fragment in enumerate(inspection.fragments)
            ],
            what="scan of fragment",
        )
        distinct = _union(scan.values for scan in scans)
        if not data.group_column:
            labels = label_table(distinct, data.class_names, inspection.num_outputs)
            return labels, labels, scans
        found = self._values(
            [
                partial(remote.labels.remote, self._context, fragment)
                for fragment in inspection.fragments
            ],
            what="labels of fragment",
        )
        labels = label_table(_union(found), data.class_names, inspection.num_outputs)
        return labels, group_table(distinct, MAX_CLASSES), scans

    def _fetch(
        self, inspection: Inspection, selection: Selection, labels: ClassTable
    ) -> dict[int, Any]:
        """References of the encoded rows, by fragment."""
        needed = [int(each) for each in np.unique(selection.fragment)]
        refs = self._tasks(
            [
                partial(
                    remote.fetch.remote,
                    self._context,
                    inspection.fragments[index],
                    selection.wanted(index),
                    labels,
                )
                for index in needed
            ],
            what="rows of fragment",
        )
        return dict(zip(needed, refs, strict=True))

    def _layers(self, inspection: Inspection) -> tuple[Layer, ...]:
        options = self._context.specification.options
        return layers_of(
            inspection.shapes,
            num_outputs=inspection.num_outputs,
            depth=options.layer_depth,
            globs=options.layer_globs,
            head=_head(options),
        )

    def _units(self, layers: Sequence[Layer], layout: FoldLayout) -> tuple[Unit, ...]:
        wide = self._context.specification.options.precision is Precision.FLOAT64
        row_bytes = gradient_bytes(
            sum(layer.parameter_count for layer in layers),
            layout.num_segments,
            8 if wide else 4,
            self._settings.max_gradient_bytes,
        )
        unit_segments = max(1, self._settings.unit_bytes // row_bytes)
        return units_of(layout, self._settings.unit_rows, unit_segments)

    def _columns(self, layers: Sequence[Layer], layout: FoldLayout) -> tuple[tuple[int, int], ...]:
        return column_blocks(
            sum(layer.parameter_count for layer in layers),
            layout.num_segments,
            np.dtype(np.float64).itemsize,
            self._settings.block_bytes,
        )

    def _gradients(
        self,
        layers: Sequence[Layer],
        units: Sequence[Unit],
        columns: tuple[tuple[int, int], ...],
        selection: Selection,
        blocks: dict[int, Any],
        classes: ClassTable,
    ) -> tuple[list[Refs], str]:
        options = cluster.actor_options(self._settings)
        pool = ActorPool(
            context=self._context,
            parameter_names=[name for layer in layers for name in layer.parameters],
            options=options,
            size=cluster.room_for(options, self._settings.max_actors),
            max_tries=self._settings.max_tries,
            cancellation=self._cancellation,
            sink=self._sink,
        )
        self._begin(Stage.GRADIENTS, len(units))
        submissions = [
            partial(submit_unit, unit, columns, selection, blocks, classes) for unit in units
        ]
        arrays = pool.run(submissions, lambda _: self._advance())
        return arrays, pool.device

    def _reduce(
        self,
        layers: Sequence[Layer],
        layout: FoldLayout,
        units: Sequence[Unit],
        columns: tuple[tuple[int, int], ...],
        arrays: Sequence[Refs],
    ) -> list[Any]:
        """References of the statistics of every block of columns."""
        ends = np.cumsum([layer.parameter_count for layer in layers]).tolist()
        ranges = tuple(zip([0, *ends[:-1]], ends, strict=True))
        segments = tuple(tuple(each.index for each in unit.segments) for unit in units)
        folds = self._context.specification.options.folds
        return self._tasks(
            [
                partial(
                    remote.reduce.remote,
                    ReduceTask(segments, layout.rows_used, folds, block, ranges),
                    *(refs[index] for refs in arrays),
                )
                for index, block in enumerate(columns)
            ],
            what="reduction of block",
        )

    def _tasks(self, submissions: Sequence[Submit], *, what: str) -> list[Any]:
        return run_tasks(
            submissions,
            what=what,
            in_flight=cluster.num_cpus(),
            max_tries=self._settings.max_tries,
            cancellation=self._cancellation,
            sink=self._sink,
            done=self._advance,
        )

    def _values(self, submissions: Sequence[Submit], *, what: str) -> list[Any]:
        refs = self._tasks(submissions, what=what)
        return [value(ref, self._cancellation) for ref in refs]

    @contextmanager
    def _in_stage(self, stage: Stage, total: int = 0) -> Iterator[None]:
        started = time.monotonic()
        self._begin(stage, total)
        yield
        self._sink.emit(StageFinished(self._job.name, stage, time.monotonic() - started))

    def _begin(self, stage: Stage, total: int) -> None:
        self._stage, self._completed, self._total = stage, 0, total
        self._tell()

    def _advance(self) -> None:
        self._completed += 1
        self._tell()

    def _tell(self) -> None:
        self._report(
            Progress(
                stage=self._stage,
                completed_units=self._completed,
                total_units=max(self._total, self._completed) if self._total else 0,
                update_time=self._clock.now(),
            )
        )


def _union(values: Iterable[tuple[Value, ...]]) -> list[Value]:
    return list({each: None for some in values for each in some})


def _head(options: AnalysisOptions) -> HeadSelection:
    rule = options.head.rule.value.removeprefix("HEAD_RULE_").lower()
    return HeadSelection(rule, options.head.pattern)
