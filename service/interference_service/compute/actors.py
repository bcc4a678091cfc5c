"""The gradient actors of one job: each takes the next unit as soon as it is free."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from interference_service.compute.calls import Attempts, Lost, Ref, Refs, check, settle
from interference_service.compute.context import JobContext
from interference_service.compute.fleet import Worker
from interference_service.compute.pool import Seat
from interference_service.compute.segmentation.known import Segmentation
from interference_service.core.sketch import Projection
from interference_service.domain.events import RowsDifferentiated
from interference_service.domain.ports import Cancellation, EventSink

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Call:
    """What an actor does: it loads the model, or runs a unit."""

    worker: Worker
    refs: Refs
    unit: int | None = None
    before: Any = None
    """Of a load: a call just before it, which fails if the process was dead already."""


class JobActors:
    """Runs units on the actors that the pool grants a job; a lost actor costs its unit.

    They stay with the job from one run to the next, unless other jobs lack them meanwhile.
    """

    def __init__(
        self,
        seat: Seat,
        *,
        context: JobContext,
        parameter_names: Sequence[str],
        projection: Projection,
        segmentation: Segmentation,
        max_tries: int,
        cancellation: Cancellation,
        sink: EventSink,
    ) -> None:
        """Take no actor yet.

        Args:
            seat: The job's part of the pool.
            context: The job.
            parameter_names: Parameters in the order of the flat gradient.
            projection: What is kept of it.
            segmentation: Whether a batch may hold rows of several segments.
            max_tries: A unit that loses its actor so often fails the job.
            cancellation: Ends the run; whoever holds the seat then kills the actors.
            sink: Is told of rows done and actors lost.
        """
        self._seat = seat
        self._arguments = (context, tuple(parameter_names), projection, segmentation)
        self._max_tries = max_tries
        self._cancellation = cancellation
        self._sink = sink
        self._loads = Attempts("actor start", max_tries, sink)
        self._dead_spares = 0
        self._calls: dict[Ref, _Call] = {}
        """The call in flight of every actor, by the first of its references."""
        self.device = "none"

    def run(
        self,
        units: Sequence[Callable[[Any], Refs]],
        costs: Sequence[int],
        done: Callable[[int], None],
    ) -> list[Refs]:
        """Run every unit once, the costliest first, so that none is left over at the end.

        Args:
            units: Each submits its unit to the actor given; returns the report and the arrays.
            costs: About how long each takes, in any measure.
            done: Called with the index of every finished unit.

        Returns:
            References of the arrays of every unit, in the order of the units.

        Raises:
            ServiceError: A unit raised it, or lost its actor too often, or no actor can be had.
        """
        waiting = deque(sorted(range(len(units)), key=lambda index: (-costs[index], index)))
        attempts = Attempts("unit", self._max_tries, self._sink)
        arrays: list[Refs] = [[] for _ in units]
        while left := len(waiting) + self._running:
            self._seat.want(left)
            self._hand_out(waiting, units)
            for ref in self._ended():
                finished = self._settle(self._calls.pop(ref), waiting, attempts)
                if finished is not None:
                    index, arrays[index] = finished
                    done(index)
        for call in self._calls.values():
            self._seat.discard(call.worker)  # Came too late to be of use.
        self._calls.clear()
        self._seat.want(0)
        return arrays

    @property
    def _running(self) -> int:
        return sum(call.unit is not None for call in self._calls.values())

    def _hand_out(self, waiting: "deque[int]", units: Sequence[Callable[[Any], Refs]]) -> None:
        while waiting and (taken := self._seat.take()) is not None:
            worker, loaded = taken
            if loaded:
                index = waiting.popleft()
                call = _Call(worker, units[index](worker.actor), index)
            else:
                before = worker.actor.lives.remote()
                call = _Call(worker, [worker.actor.load.remote(*self._arguments)], before=before)
            self._calls[call.refs[0]] = call

    def _ended(self) -> Refs:
        """Calls that have ended; none if others than them should be looked after."""
        check(self._cancellation)
        if not self._calls:
            self._seat.wait(_POLL_SECONDS)
            return []
        return wait(list(self._calls))

    def _settle(
        self, call: _Call, waiting: "deque[int]", attempts: Attempts
    ) -> tuple[int, Refs] | None:
        """Take in a finished call; returns the unit and its arrays if one is done."""
        try:
            # Whatever else it raises ends the job; the seat still knows the actor.
            outcome = settle(call.refs[0])
        except Lost as loss:
            self._seat.discard(call.worker)
            if call.unit is not None:
                waiting.appendleft(call.unit)
                attempts.lost(call.unit, loss)
            elif not self._was_dead(call):
                self._loads.lost(0, loss)
            return None
        self._seat.rest(call.worker)
        if call.unit is None:
            self._loads.forget(0)
            self.device = outcome
            return None
        self._sink.emit(RowsDifferentiated(outcome.rows, outcome.seconds, outcome.device))
        return call.unit, call.refs[1:]

    def _was_dead(self, call: _Call) -> bool:
        """Whether a spare died before it was loaded, which says nothing of the job."""
        try:
            settle(call.before)
        except Lost:
            self._dead_spares += 1
            return self._dead_spares <= self._max_tries
        return False


def wait(refs: Refs) -> Refs:
    """Those of ``refs`` that have ended; none if that takes longer than a moment."""
    done, _ = ray.wait(refs, num_returns=1, timeout=_POLL_SECONDS, fetch_local=False)
    return list(done)
