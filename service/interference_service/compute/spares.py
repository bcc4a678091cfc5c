"""The started processes that serve no job yet."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from interference_service.compute.fleet import Fleet, Room, Worker, emptiest
from interference_service.compute.lost import Lost
from interference_service.errors import WorkerLost

_log = structlog.get_logger(__name__)
_ASK_SECONDS = 5.0
"""How often spares are asked whether they live."""
_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBounds:
    """How large the pool may be.

    Attributes:
        spares: Processes kept started while nobody wants one, at most as many as may work at
            once; none where each would keep a GPU.
        max_actors: Most that work at once, for all jobs together; 0: all there is room for.
        idle_seconds: As many as were needed within so long are still kept.
        gpu_wait_seconds: How long a job waits for a cluster without a GPU to get one.
        max_tries: So many starts that fail one after the other fail the jobs that wait.
    """

    spares: int = 1
    max_actors: int = 0
    idle_seconds: float = 60.0
    gpu_wait_seconds: float = 300.0
    max_tries: int = 3

    def capacity(self, room: Room) -> int:
        """Actors that may work at once."""
        return min(room.total, self.max_actors or room.total)

    def target(
        self, room: Room, *, working: int, wanted: int, coming: int, peak: int
    ) -> tuple[int, int]:
        """How many spares there should be.

        Args:
            room: What there is room for.
            working: Actors that serve a job.
            wanted: Actors that jobs lack now.
            coming: Jobs that will want their first actor soon.
            peak: Actors that were needed at once of late.

        Returns:
            The least, which jobs wait for, and the most, beyond which spares are killed.
        """
        capacity = self.capacity(room)
        soon = min(max(coming, peak - working), capacity)
        if not room.needs.gpus:
            # Their processes take no core from a job that could use it: they do not compute.
            return (wanted, max(min(self.spares, capacity), soon, wanted)) if capacity else (0, 0)
        # Each keeps a GPU. Where there is none yet, one waits for it, and shows Ray what is needed.
        if not capacity:
            return (1, 1) if wanted or coming else (0, 0)
        left = max(0, capacity - working)
        return min(wanted, left), min(max(wanted, soon), left)


class Spares:
    """Keeps spares, as many as it is told; whoever holds the pool's lock may call it."""

    def __init__(self, fleet: Fleet, bounds: PoolBounds, clock: Callable[[], float]) -> None:
        self._fleet = fleet
        self._bounds = bounds
        self._clock = clock
        self._ready: list[Worker] = []
        self._starting: list[Worker] = []
        self._failures = 0
        self._pause_until = 0.0
        self._peak = 0
        self._peak_at = 0.0

    @property
    def ready(self) -> int:
        """Spares that a job may have at once."""
        return len(self._ready)

    @property
    def starting(self) -> int:
        """Processes that are not ready yet."""
        return len(self._starting)

    def take(self, room: Room, working: Iterable[Worker]) -> Worker:
        """One for a job, from the node where most slots are free."""
        node = emptiest({each.node: room.slots.get(each.node, 0) for each in self._ready}, working)
        worker = next(each for each in self._ready if each.node == node)
        self._ready.remove(worker)
        worker.call = None
        return worker

    def give_back(self, worker: Worker) -> None:
        """One that a job was granted but has not touched."""
        self._ready.append(worker)

    def clear(self) -> None:
        """Kill all of them."""
        for worker in (*self._ready, *self._starting):
            self._fleet.kill(worker)
        self._ready.clear()
        self._starting.clear()

    def calls(self) -> dict[Any, Worker]:
        """Workers by their call in flight; asks those that were long unheard of."""
        now = self._clock()
        for worker in self._ready:
            if worker.call is None and now - worker.seen >= _ASK_SECONDS:
                self._fleet.ask(worker)
        both = (*self._starting, *self._ready)
        return {worker.call: worker for worker in both if worker.call is not None}

    def take_in(self, worker: Worker, error: Exception | None) -> Exception | None:
        """Note how the call of a spare ended; returns what is to be told to jobs that wait."""
        worker.call, worker.seen = None, self._clock()
        if worker in self._starting:
            self._starting.remove(worker)
            if error is not None:
                return self._failed(worker, error)
            self._failures = 0
            self._ready.append(worker)
        elif worker in self._ready and error is not None:
            _log.info("spare_replaced", reason=str(error))
            self._ready.remove(worker)
            self._fleet.kill(worker)
        return None

    def _failed(self, worker: Worker, error: Exception) -> Exception | None:
        self._fleet.kill(worker)
        self._failures += 1
        pause = min(2.0**self._failures, _LONGEST_PAUSE_SECONDS)
        self._pause_until = self._clock() + pause
        _log.warning("actor_start_failed", error=str(error), in_a_row=self._failures)
        if not isinstance(error, Lost):
            return error
        if self._failures % self._bounds.max_tries:
            return None
        return WorkerLost(f"{self._failures} gradient actors in a row died at their start")

    def adjust(self, room: Room, working: Iterable[Worker], *, wanted: int, coming: int) -> None:
        """Start what is missing, and kill what has not been needed for long.

        Args:
            room: What there is room for.
            working: Actors that serve a job.
            wanted: Actors that jobs lack now.
            coming: Jobs that will want their first actor soon.
        """
        now, working = self._clock(), list(working)
        if now - self._peak_at > self._bounds.idle_seconds:
            self._peak = 0
        needed = len(working) + max(wanted, coming)
        if needed and needed >= self._peak:
            self._peak, self._peak_at = needed, now
        least, most = self._bounds.target(
            room, working=len(working), wanted=wanted, coming=coming, peak=self._peak
        )
        # After a failure only what a job waits for is tried again at once.
        start_to = least if now < self._pause_until else most
        while len(self._ready) + len(self._starting) < start_to:
            self._starting.append(
                self._fleet.start(room, [*working, *self._ready, *self._starting])
            )
        while len(self._ready) + len(self._starting) > most:
            self._fleet.kill((self._starting or self._ready).pop())
