"""The gradient actors of all jobs of this process: spares are kept started, jobs share fairly."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from interference_service.compute.fairness import Claim, shares
from interference_service.compute.fleet import Fleet, Room, Worker
from interference_service.compute.spares import PoolBounds, Spares
from interference_service.domain.job import Priority
from interference_service.domain.workers import Workers

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 1.0
"""How old the knowledge of the cluster may be."""
_GRACE_SECONDS = 10.0
"""How long a job waits for nodes that have no GPU to have; longer than one is replaced in."""


@dataclass(eq=False, slots=True)
class _Place:
    """What the pool knows of a job."""

    priority: Priority
    age: int
    since: float
    """When it was opened."""
    wants: int | None = None
    """Units that wait or run; None: the job has not come so far."""
    fresh: list[Worker] = field(default_factory=list)
    """Granted, and not yet taken."""
    idle: list[Worker] = field(default_factory=list)
    """Loaded, without a unit."""
    busy: set[Worker] = field(default_factory=set)
    failure: Exception | None = None
    told: bool = False
    """Whether it has been logged that it waits for a node."""

    @property
    def workers(self) -> list[Worker]:
        return [*self.fresh, *self.idle, *self.busy]

    @property
    def held(self) -> int:
        return len(self.fresh) + len(self.idle) + len(self.busy)

    @property
    def claim(self) -> Claim:
        return Claim(self.priority, self.age, self.wants or 0)


class ActorPool:
    """Decides which job has which actors.

    An actor serves one job, and is killed when that ends or has more than its share. Every method
    may be called by any thread.
    """

    def __init__(
        self, fleet: Fleet, bounds: PoolBounds, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fleet = fleet
        self._bounds = bounds
        self._clock = clock
        self._spares = Spares(fleet, bounds, clock)
        self._changed = threading.Condition()
        self._closed = False
        self._room: Room | None = None
        self._looked = 0.0
        self._empty_since = 0.0
        self._places: list[_Place] = []
        self._opened = 0

    @contextmanager
    def seat(self, priority: Priority) -> Iterator["Seat"]:
        """A job's part of the pool; at the end its actors are killed.

        Yields:
            What the job's thread asks for actors.
        """
        self._look()
        with self._changed:
            place = _Place(priority, self._opened, self._clock())
            self._opened += 1
            self._places.append(place)
            self.balance()
        try:
            yield Seat(self, place)
        finally:
            with self._changed:
                self._places.remove(place)
                for worker in (*place.idle, *place.busy):
                    self._fleet.kill(worker)
                for worker in place.fresh:
                    self._spares.give_back(worker)
                self.balance()

    def workers(self) -> Workers:
        """How many there are; asked without the lock, so that nobody waits for the cluster."""
        places = self._places.copy()
        granted = sum(len(place.fresh) + len(place.idle) for place in places)
        busy = sum(len(place.busy) for place in places)
        return Workers(self._spares.starting, self._spares.ready + granted, busy)

    def run(self) -> None:
        """Tend the pool until it is closed."""
        while not self._closed:
            try:
                self.tend(0.1)
            except Exception:  # noqa: BLE001 - a cluster that is away comes back
                _log.exception("pool_not_tended")
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, _LOOK_SECONDS)

    def close(self) -> None:
        """Kill the spares and start no more; every seat must have been left before."""
        with self._changed:
            self._closed = True
            self._spares.clear()
            self._changed.notify_all()

    def tend(self, seconds: float) -> None:
        """Look at the cluster, take in what has started or died, and start or kill spares.

        Args:
            seconds: How long to wait for something to take in.
        """
        if self._room is None or self._clock() - self._looked >= _LOOK_SECONDS:
            self._look()
        with self._changed:
            self.balance()
            calls = self._spares.calls()
            if not calls:
                self._changed.wait(seconds)
                return
        ended = self._fleet.ended(list(calls), seconds)
        with self._changed:
            for call, error in ended:
                failure = self._spares.take_in(calls[call], error)
                if failure is not None:
                    self._tell(failure)
            self.balance()

    def _look(self) -> None:
        with self._changed:
            # A job that has begun stays on one kind of device: its sums depend on it.
            begun = any(place.wants is not None for place in self._places)
            needs = self._room.needs if self._room and begun else None
        room = self._fleet.room(needs)
        with self._changed:
            if self._room is not None and room.needs != self._room.needs:
                self._spares.clear()
            if not room.total and (self._room is None or self._room.total):
                self._empty_since = self._clock()
            self._room, self._looked = room, self._clock()

    def _tell(self, failure: Exception) -> None:
        for place in self._places:
            if place.wants and not place.held:
                place.failure = failure

    def balance(self) -> None:
        """Revoke, grant, start and kill until all is as it should be; the lock is held."""
        if self._closed or self._room is None:
            return
        places, room = self._places, self._room
        capacity = self._bounds.capacity(room)
        given = shares([place.claim for place in places], capacity)
        over, lacking = {}, {}
        for place, share in zip(places, given, strict=True):
            if place.held > share:
                over[place] = place.held - share
            elif place.held < share:
                lacking[place] = share - place.held
        self._revoke(over, sum(lacking.values()), capacity)
        self._grant(lacking, room, capacity)
        wanted = sum(lacking.values())
        if not room.total:
            wanted = sum(bool(place.wants) for place in places)
        coming = sum(place.wants is None for place in places)
        self._spares.adjust(room, self._workers, wanted=wanted, coming=coming)
        self._changed.notify_all()

    @property
    def _workers(self) -> list[Worker]:
        return [worker for place in self._places for worker in place.workers]

    def _revoke(self, over: dict[_Place, int], needed: int, capacity: int) -> None:
        """Take from jobs that have more than their share what others lack, unless it works."""
        needed -= capacity - len(self._workers)
        if self._room is not None and not self._room.needs.gpus:
            # The end of an actor helps nobody before there is a spare to work in its stead.
            needed = min(needed, self._spares.ready)
        for place in sorted(over, key=lambda each: (-over[each], each.age)):
            for _ in range(min(over[place], needed)):
                if place.fresh:
                    self._spares.give_back(place.fresh.pop())
                elif place.idle:
                    self._fleet.kill(place.idle.pop())
                else:
                    break
                needed -= 1

    def _grant(self, lacking: dict[_Place, int], room: Room, capacity: int) -> None:
        """Hand out spares, to jobs without an actor first; what they lack goes down with it."""
        while self._spares.ready and lacking and len(self._workers) < capacity:
            place = min(lacking, key=lambda each: (each.held > 0, each.claim.order))
            place.fresh.append(self._spares.take(room, self._workers))
            lacking[place] -= 1
            if not lacking[place]:
                del lacking[place]

    def kill(self, worker: Worker) -> None:
        """End the process of an actor."""
        self._fleet.kill(worker)

    def raise_failure(self, place: _Place) -> None:
        """Raise why a job cannot get an actor, if so; the lock is held."""
        if place.failure is not None and not place.held:
            raise place.failure
        room = self._room
        if room is None or room.total or place.held:
            return
        limit = self._bounds.gpu_wait_seconds if room.needs.gpus else _GRACE_SECONDS
        if self._clock() - max(place.since, self._empty_since) >= limit:
            raise room.refusal
        if not place.told:
            _log.warning("waiting_for_node", seconds=limit, reason=room.refusal.message)
            place.told = True

    @property
    def changed(self) -> threading.Condition:
        """The pool's lock; whoever waits for it is woken by every change."""
        return self._changed


class Seat:
    """A job's part of the pool, for the job's thread."""

    def __init__(self, pool: ActorPool, place: _Place) -> None:
        self._pool = pool
        self._place = place

    def want(self, units: int) -> None:
        """Say how many units wait or run."""
        with self._pool.changed:
            if units != self._place.wants:
                self._place.wants = units
                self._pool.balance()

    def take(self) -> tuple[Worker, bool] | None:
        """An actor of this job that has nothing to do, and whether it has loaded the job's model.

        Raises:
            ServiceError: None can be had.
        """
        with self._pool.changed:
            place = self._place
            self._pool.raise_failure(place)
            if not place.fresh and not place.idle:
                return None
            loaded = bool(place.idle)
            worker = place.idle.pop() if loaded else place.fresh.pop()
            place.busy.add(worker)
            return worker, loaded

    def rest(self, worker: Worker) -> None:
        """Its call has ended; the actor stays with the job unless others lack it."""
        with self._pool.changed:
            self._place.busy.discard(worker)
            self._place.idle.append(worker)
            self._pool.balance()

    def discard(self, worker: Worker) -> None:
        """The actor is dead, or of no more use."""
        with self._pool.changed:
            self._place.busy.discard(worker)
            self._pool.kill(worker)
            self._pool.balance()

    def wait(self, seconds: float) -> None:
        """Wait until something may be taken, at most so long."""
        with self._pool.changed:
            if not self._place.fresh and not self._place.idle:
                self._pool.changed.wait(seconds)
