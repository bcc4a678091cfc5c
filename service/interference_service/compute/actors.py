"""The gradient actors of one job: each takes the next unit as soon as it is free."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Self

import ray

from interference_service.compute.calls import Attempts, Lost, Ref, Refs, settle, wait_any
from interference_service.compute.context import JobContext
from interference_service.compute.remote import GradientActor
from interference_service.compute.segmentation.known import Segmentation
from interference_service.core.sketch import Projection
from interference_service.domain.events import RowsDifferentiated
from interference_service.domain.ports import Cancellation, EventSink

_LOADING = -1
"""Stands for the unit of an actor that loads its model."""


class ActorPool:
    """Runs units on actors of one job alone; a lost actor costs its unit, and is replaced.

    The actors live until the pool's context ends, so that a later run need not start them again.
    """

    def __init__(
        self,
        *,
        context: JobContext,
        parameter_names: Sequence[str],
        projection: Projection,
        segmentation: Segmentation,
        options: dict[str, Any],
        size: int,
        max_tries: int,
        cancellation: Cancellation,
        sink: EventSink,
    ) -> None:
        """Prepare a pool; actors start with the first units.

        Args:
            context: The job.
            parameter_names: Parameters in the order of the flat gradient.
            projection: What is kept of it.
            segmentation: Whether a batch may hold rows of several segments.
            options: Resources of an actor, as Ray takes them.
            size: Most actors at once.
            max_tries: A unit that loses its actor so often fails the job.
            cancellation: Ends the run; the actors are killed.
            sink: Is told of rows done and actors lost.
        """
        self._context = context
        self._parameter_names = tuple(parameter_names)
        self._projection = projection
        self._segmentation = segmentation
        # Ray's decorator adds `options`, which its annotations do not tell.
        actor_class: Any = GradientActor
        self._actor_class = actor_class.options(**options)
        self._size = size
        self._cancellation = cancellation
        self._sink = sink
        self._max_tries = max_tries
        self._loads = Attempts("actor start", max_tries, sink)
        self._calls: dict[Ref, tuple[Any, int, Refs]] = {}
        """For the call in flight of every actor: the actor, its unit, and all it returns."""
        self._idle: list[Any] = []
        self.device = "none"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the actors, so that their devices are free at once."""
        for actor in (*(actor for actor, _, _ in self._calls.values()), *self._idle):
            ray.kill(actor)
        self._calls.clear()
        self._idle.clear()

    def run(
        self, units: Sequence[Callable[[Any], Refs]], done: Callable[[int], None]
    ) -> list[Refs]:
        """Run every unit once.

        Args:
            units: Each submits its unit to the actor given; returns the report and the arrays.
            done: Called with the index of every finished unit.

        Returns:
            References of the arrays of every unit, in the order of the units.

        Raises:
            ServiceError: A unit raised it, or lost its actor too often.
        """
        waiting = deque(range(len(units)))
        attempts = Attempts("unit", self._max_tries, self._sink)
        arrays: list[Refs] = [[] for _ in units]
        while waiting or any(unit != _LOADING for _, unit, _ in self._calls.values()):
            self._hand_out(waiting, units)
            for ref in wait_any(list(self._calls), self._cancellation):
                finished = self._settle(ref, waiting, attempts)
                if finished is not None:
                    index, arrays[index] = finished
                    done(index)
        return arrays

    def _hand_out(self, waiting: "deque[int]", units: Sequence[Callable[[Any], Refs]]) -> None:
        while waiting and self._idle:
            actor, index = self._idle.pop(), waiting.popleft()
            refs = units[index](actor)
            self._calls[refs[0]] = (actor, index, refs)
        while len(self._calls) + len(self._idle) < min(self._size, len(waiting) + len(self._calls)):
            actor = self._actor_class.remote()
            ref = actor.load.remote(
                self._context, self._parameter_names, self._projection, self._segmentation
            )
            self._calls[ref] = (actor, _LOADING, [ref])

    def _settle(
        self, ref: Ref, waiting: "deque[int]", attempts: Attempts
    ) -> tuple[int, Refs] | None:
        """Take in a finished call; returns the unit and its arrays if one is done."""
        actor, index, refs = self._calls[ref]
        try:
            # Whatever else it raises ends the job; the actor is still among those to be killed.
            outcome = settle(ref)
        except Lost as loss:
            del self._calls[ref]
            ray.kill(actor)
            if index == _LOADING:
                self._loads.lost(index, loss)
            else:
                waiting.appendleft(index)
                attempts.lost(index, loss)
            return None
        del self._calls[ref]
        self._idle.append(actor)
        if index == _LOADING:
            self._loads.forget(index)
            self.device = outcome
            return None
        self._sink.emit(RowsDifferentiated(outcome.rows, outcome.seconds, outcome.device))
        return index, refs[1:]
