"""The gradients of an analysis: one round, or as many as the target precision takes."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from interference_service.compute import remote
from interference_service.compute.actors import JobActors
from interference_service.compute.between_rounds import AssessTask
from interference_service.compute.context import Inspection, JobContext, ReduceTask
from interference_service.compute.engine import projection_for
from interference_service.compute.grouping import Grouping
from interference_service.compute.payloads import Call, Done, Payload
from interference_service.compute.plan import (
    ColumnBlock,
    Indices,
    Unit,
    column_blocks,
    units_of,
)
from interference_service.compute.preflight import Preflight
from interference_service.compute.reducing import Reducer
from interference_service.compute.scanning import field_of, told
from interference_service.compute.settings import ComputeSettings
from interference_service.compute.submission import description, needed_fragments, submit_unit
from interference_service.compute.tasks import Tasks
from interference_service.compute.tracking import Tracker
from interference_service.core.folds import FoldLayout, fold_layout
from interference_service.core.layers import Layer
from interference_service.core.rounds import Decision, Goal, Outcome, first_rows
from interference_service.core.scope import Setting
from interference_service.core.sketch import REPLICATES
from interference_service.domain.options import Precision

_ITEM = np.dtype(np.float64).itemsize


@dataclass(frozen=True, slots=True)
class Scanned:
    """What is known before any gradient.

    Attributes:
        preflight: What model and data are.
        grouping: Classes or groups, and their rows.
        setting: Priors, minorities and levels.
    """

    preflight: Preflight
    grouping: Grouping
    setting: Setting

    @property
    def inspection(self) -> Inspection:
        """Of model and data."""
        return self.preflight.inspection

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the flat gradient."""
        return self.preflight.layers


class Rounds:
    """Differentiates every row at most once, and no more rows than it takes.

    Without a target precision there is one round of all selected rows. With one, the statistics of
    all rounds so far say after each whether there is another; the gradients of a round add to the
    sums of those before, whose rows keep their folds.
    """

    def __init__(
        self,
        *,
        context: JobContext,
        settings: ComputeSettings,
        scanned: Scanned,
        tasks: Tasks,
        tracker: Tracker,
    ) -> None:
        """Plan the first round.

        Raises:
            InputUnsupported: The gradients need more memory than allowed.
        """
        self._context = context
        self._settings = settings
        self._scanned = scanned
        self._tasks = tasks
        self._tracker = tracker
        self._target = context.specification.data.sampling.target_precision
        selection, folds = scanned.grouping.selection, context.specification.options.folds
        limits = selection.rows_used
        self._before = np.zeros_like(limits)
        self.rows_used: Indices = first_rows(limits, folds) if self._target else limits
        exhausted = bool((limits == selection.rows_available).all())
        self.outcome = Outcome.DATA_EXHAUSTED if exhausted else Outcome.SINGLE_ROUND
        options = context.specification.options
        item_bytes = 8 if options.precision is Precision.FLOAT64 else 4
        self.projection = projection_for(
            options.engine,
            scanned.layers,
            num_segments=self._layout.num_segments,
            item_bytes=item_bytes,
            allowed=settings.max_gradient_bytes,
        )
        gradient_bytes = max(1, self.projection.length * item_bytes)
        self._unit_segments = max(1, settings.unit_bytes // gradient_bytes)
        self.count = 1
        self._columns = self._blocks_of(settings.block_bytes)
        self.reducer = Reducer(tasks, scanned.layers, self._columns)
        self._rows = selection.between(self._before, self.rows_used)
        self._blocks: dict[int, Payload] = {}
        self._segments: list[tuple[int, ...]] = []
        """The (class, fold) of each row of the arrays in ``_sums``."""
        self._sums: list[list[Payload]] = []
        """Sums of all rounds before, then of the units of this one; one array a column block."""
        self._statistics: list[Payload] = []

    @property
    def _layout(self) -> FoldLayout:
        return fold_layout(self.rows_used, self._context.specification.options.folds)

    @property
    def reductions_left(self) -> int:
        """Blocks of columns whose statistics ``statistics`` has still to compute."""
        return 0 if self._statistics else self.reducer.reductions

    def _blocks_of(self, block_bytes: int) -> tuple[ColumnBlock, ...]:
        """Blocks of columns; folds of later rounds are those of the first, where it has them."""
        layout = self._layout
        each = 2 * layout.num_segments * layout.num_classes * _ITEM
        sizes = [each * (REPLICATES if width else 1) for width in self.projection.replicate_widths]
        column_bytes = layout.num_segments * _ITEM
        return column_blocks(self.projection.ranges, sizes, column_bytes, block_bytes)

    def fetch(self) -> None:
        """Read the rows of the first round."""
        self._fetch(self._tracker.advance)

    def run(self, actors: JobActors) -> None:
        """Differentiate the rows, round after round."""
        self._differentiate(actors)
        while self._target:
            self._statistics = self._reduce()
            decision = self._decide()
            if decision.outcome is not None:
                self.outcome = decision.outcome
                self._release_sums()
                return
            self._add_up()
            self.count += 1
            self._before, self.rows_used = self.rows_used, decision.rows_used
            self._rows = self._scanned.grouping.selection.between(self._before, self.rows_used)
            self._fetch()
            self._differentiate(actors)

    def statistics(self) -> list[Payload]:
        """The statistics of every block of whole layers."""
        if not self._statistics:
            self._statistics = self._reduce(self._tracker.advance, frees=True)
        return self._statistics

    def _fetch(self, done: Done | None = None) -> None:
        """Get the encoded rows of the round, by fragment."""
        needed = [int(each) for each in np.unique(self._rows.fragment)]
        fragments = self._scanned.inspection.fragments
        calls = [
            self._tasks.call(
                f"reading {told(fragments[index])}",
                remote.fetch.remote,
                self._context,
                fragments[index],
                self._rows.wanted(index),
                self._scanned.grouping.labels,
                reads=(field_of(fragments[index]),),
            )
            for index in needed
        ]
        self._blocks = dict(zip(needed, self._tasks.payloads(calls, done), strict=True))

    def _differentiate(self, actors: JobActors) -> None:
        units = units_of(self._layout, self._settings.unit_rows, self._unit_segments, self._before)
        self._tracker.expect(len(units))
        calls = [self._call(actors, unit) for unit in units]
        self._blocks = {}
        actors.run(calls, self._tracker.advance)
        self._sums += [
            [call.payload(index) for index in range(len(self._columns))] for call in calls
        ]
        self._segments += [tuple(each.index for each in unit.segments) for unit in units]

    def _call(self, actors: JobActors, unit: Unit) -> Call:
        grouping, fragments = self._scanned.grouping, self._scanned.inspection.fragments
        needed = needed_fragments(unit, self._rows)
        return actors.call(
            description(unit, self._rows, grouping.classes.ids, fragments),
            partial(submit_unit, unit, self._columns, self._rows, grouping),
            *(self._blocks[index] for index in needed),
            frees=True,
            cost=unit.num_rows,
        )

    def _reduce(self, done: Done | None = None, *, frees: bool = False) -> list[Payload]:
        """The statistics of every block of whole layers."""
        folds, segments = self._context.specification.options.folds, tuple(self._segments)

        def task(columns: tuple[int, int]) -> ReduceTask:
            ranges, widths = self.projection.ranges, self.projection.replicate_widths
            return ReduceTask(segments, self.rows_used, folds, columns, ranges, widths)

        return self.reducer.statistics(task, self._sums, done, frees=frees)

    def _decide(self) -> Decision:
        scanned = self._scanned
        selection = scanned.grouping.selection
        goal = Goal.of(self._target, scanned.setting, selection.rows_used, selection.rows_available)
        task = AssessTask(scanned.setting, goal, self.rows_used)
        sums = self.reducer.scope_sums(self._statistics)
        call = self._tasks.call("the assessment of a round", remote.decide.remote, task, sums)
        decisions: list[Decision] = self._tasks.values([call])
        return decisions[0]

    def _add_up(self) -> None:
        """Keep one array a column block of all rounds, so that memory does not grow with them."""
        count, segments = self._layout.num_segments, tuple(self._segments)
        calls = [
            self._tasks.call(
                f"the sum of block {index}",
                remote.total.remote,
                segments,
                count,
                *(payloads[index] for payloads in self._sums),
                frees=True,
            )
            for index in range(len(self._columns))
        ]
        self._sums = [self._tasks.payloads(calls)]
        self._segments = [tuple(range(count))]

    def _release_sums(self) -> None:
        for payloads in self._sums:
            for each in payloads:
                each.release()
