"""The gradient actors of one job: each takes the next unit as soon as it is free."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from interference_service.compute.calls import Ref, Refs, ended, settle
from interference_service.compute.context import JobContext
from interference_service.compute.fleet import Worker
from interference_service.compute.lost import Bounds, Loss, Losses, Lost, Turns
from interference_service.compute.payloads import Call, Made, Payload, Runner, make
from interference_service.compute.pool import Seat
from interference_service.compute.segmentation.known import Segmentation
from interference_service.core.sketch import Projection
from interference_service.domain.events import RowsDifferentiated
from interference_service.domain.ports import Cancellation, EventSink

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Flight:
    """What an actor does: it loads the model, or runs a unit."""

    worker: Worker
    refs: Refs
    unit: int | None = None
    before: Any = None
    """Of a load: a call just before it, which fails if the process was dead already."""


class JobActors(Runner):
    """Runs units on the actors that the pool grants a job; a lost actor costs its unit.

    They stay with the job from one run to the next, unless other jobs lack them meanwhile. The
    function of a unit is called with the actor, then with the unit's own arguments.
    """

    def __init__(
        self,
        seats: Callable[[], AbstractContextManager[Seat]],
        *,
        context: JobContext,
        model: Payload,
        parameter_names: Sequence[str],
        projection: Projection,
        segmentation: Segmentation,
        bounds: Bounds,
        cancellation: Cancellation,
        sink: EventSink,
    ) -> None:
        """Take no actor yet.

        Args:
            seats: Opens a part of the pool, for units that must run again after ``seated``.
            context: The job.
            model: Content of its model's file; need not be made.
            parameter_names: Parameters in the order of the flat gradient.
            projection: What is kept of it.
            segmentation: Whether a batch may hold rows of several segments.
            bounds: How often a unit may be lost.
            cancellation: Ends the run; whoever holds the seat then kills the actors.
            sink: Is told of rows done and actors lost.
        """
        super().__init__(bounds=bounds, cancellation=cancellation, sink=sink)
        self._seats = seats
        self._seat: Seat | None = None
        self._context = context
        self._model = model
        self._arguments = (tuple(parameter_names), projection, segmentation)
        self._loads = Losses("the start of an actor", bounds, sink)
        self._dead_spares = 0
        self.device = "none"

    @contextmanager
    def seated(self, seat: Seat) -> Iterator[None]:
        """Run units on the actors of a seat."""
        self._seat = seat
        try:
            yield
        finally:
            self._seat = None

    def _run(self, calls: Sequence[Call], made: Made) -> None:
        if self._seat is None:
            with self._seats() as seat, self.seated(seat):
                self._run_on(seat, calls, made)
        else:
            self._run_on(self._seat, calls, made)

    def _run_on(self, seat: Seat, calls: Sequence[Call], made: Made) -> None:
        # The costliest begin first, so that none is left over at the end.
        turns = Turns([call.losses for call in calls], [call.cost for call in calls])
        flights: dict[Ref, _Flight] = {}
        while not turns.over:
            seat.want(turns.wanted)
            self._hand_out(seat, calls, turns, flights)
            if not flights:
                seat.wait(_POLL_SECONDS)
            for ref in ended(list(flights), self._cancellation):
                flight = flights.pop(ref)
                if self._settle(seat, flight, calls, turns) and flight.unit is not None:
                    made(calls[flight.unit], flight.refs[1:])
        for flight in flights.values():
            seat.discard(flight.worker)  # Came too late to be of use.
        seat.want(0)

    def _hand_out(
        self, seat: Seat, calls: Sequence[Call], turns: Turns, flights: dict[Ref, _Flight]
    ) -> None:
        while (unit := turns.next()) is not None and (taken := seat.take()) is not None:
            worker, loaded = taken
            if loaded:
                turns.begin(unit)
                flight = _Flight(worker, calls[unit].submit(worker.actor), unit)
            else:
                flight = self._load(worker)
            flights[flight.refs[0]] = flight

    def _load(self, worker: Worker) -> _Flight:
        make([self._model])
        before = worker.actor.lives.remote()
        load = worker.actor.load.remote(self._context, self._model.ref, *self._arguments)
        return _Flight(worker, [load], before=before)

    def _settle(self, seat: Seat, flight: _Flight, calls: Sequence[Call], turns: Turns) -> bool:
        """Take in a call that has ended; returns whether it succeeded."""
        try:
            # Whatever else it raises ends the job; the seat still knows the actor.
            outcome = settle(flight.refs[0])
        except Lost as lost:
            self._take_in(seat, flight, lost, turns)
            return False
        seat.rest(flight.worker)
        if flight.unit is None:
            self._loads.forget()
            self.device = outcome.device
            self._tell(self._loads.name, outcome.work, device=outcome.device)
        else:
            turns.finished(flight.unit)
            name = calls[flight.unit].losses.name
            self._tell(name, outcome.work, rows=outcome.rows, device=outcome.device)
            self._sink.emit(
                RowsDifferentiated(outcome.rows, outcome.seconds, outcome.device, outcome.memory)
            )
        return True

    def _take_in(self, seat: Seat, flight: _Flight, lost: Lost, turns: Turns) -> None:
        payload_lost = lost.loss is Loss.PAYLOAD_LOST
        if payload_lost and flight.unit is not None:
            seat.rest(flight.worker)
        else:
            seat.discard(flight.worker)
        if flight.unit is not None:
            turns.lost(flight.unit, lost)
        elif payload_lost:
            self._model.release()
            self._loads.note(lost)
        elif not self._was_dead(flight):
            self._loads.note(lost)

    def _was_dead(self, load: _Flight) -> bool:
        """Whether a spare died before it was loaded, which says nothing of the job."""
        try:
            settle(load.before)
        except Lost:
            self._dead_spares += 1
            return self._dead_spares <= self._bounds.losses
        return False
