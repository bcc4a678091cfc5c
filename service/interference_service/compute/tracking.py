"""How far an attempt at an analysis has come, and how long its stages took."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from interference_service.domain.events import StageFinished
from interference_service.domain.job import Progress, Stage
from interference_service.domain.ports import Clock, EventSink
from interference_service.domain.tracing import UNTRACED, Tracer


class Tracker:
    """Tells the progress of one attempt; its units never fall within a stage."""

    def __init__(
        self,
        *,
        job_name: str,
        report: Callable[[Progress], None],
        sink: EventSink,
        clock: Clock,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._job_name = job_name
        self._report = report
        self._sink = sink
        self._clock = clock
        self._tracer = tracer
        self._stage = Stage.SCAN
        self._completed = self._total = 0

    @contextmanager
    def stage(self, stage: Stage, total: int = 0) -> Iterator[None]:
        """A stage, whose duration is told once it has succeeded.

        Args:
            stage: The stage.
            total: Its units; 0: not known yet.
        """
        started = time.monotonic()
        self.begin(stage, total)
        with self._tracer.span(stage.value.lower()):
            yield
        self._sink.emit(StageFinished(self._job_name, stage, time.monotonic() - started))

    def part(self, name: str) -> AbstractContextManager[None]:
        """A part of a stage, of which only traces tell."""
        return self._tracer.span(name)

    def begin(self, stage: Stage, total: int) -> None:
        """Count anew from 0 to ``total`` units of a stage."""
        self._stage, self._completed, self._total = stage, 0, total
        self._tell()

    def expect(self, more: int) -> None:
        """The stage has so many more units than were known."""
        self._total += more
        self._tell()

    def advance(self) -> None:
        """A unit is done."""
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
