"""A pool of actors without Ray, and jobs that use it."""

from contextlib import ExitStack

from interference_service.compute.fleet import Worker
from interference_service.compute.pool import ActorPool, Seat
from interference_service.compute.spares import PoolBounds
from interference_service.domain.job import Priority
from support.fake_fleet import FakeClock, FakeFleet

LOW, NORMAL, HIGH = Priority


class World:
    """A pool, its cluster, and the time."""

    def __init__(self, *slots: int, gpus: bool = False, **bounds: float) -> None:
        self.fleet, self.clock = FakeFleet(*slots, gpus=gpus), FakeClock()
        self.pool = ActorPool(self.fleet, PoolBounds(**bounds), self.clock)
        self.stack = ExitStack()
        self.pool.tend(0)
        self.settle()

    def settle(self, error: Exception | None = None) -> None:
        """All processes that start are up; nothing waits for the cluster any more."""
        for _ in range(3):
            self.fleet.answer(error)
            self.pool.tend(0)

    def later(self, seconds: float) -> None:
        self.clock.now += seconds
        self.settle()

    def job(self, priority: Priority = NORMAL, units: int | None = None) -> "Job":
        job = Job(self, self.stack.enter_context(self.pool.seat(priority)))
        if units is not None:
            job.want(units)
        return job


class Job:
    """A job as its thread behaves."""

    def __init__(self, world: World, seat: Seat) -> None:
        self.world, self.seat = world, seat
        self.units = 0
        self.busy: list[Worker] = []
        self.mine: set[Worker] = set()

    def want(self, units: int) -> None:
        self.units = units
        self.seat.want(units + len(self.busy))
        self.take()

    def take(self) -> int:
        """Begin units on all actors to be had; returns how many work."""
        while self.units and (taken := self.seat.take()):
            worker, loaded = taken
            assert loaded == (worker in self.mine)
            self.mine.add(worker)
            self.busy.append(worker)
            self.units -= 1
        return len(self.busy)

    def finish(self, count: int | None = None) -> None:
        """End units, as many as run by default, and begin the next."""
        for worker in self.busy[:count]:
            self.busy.remove(worker)
            self.seat.want(self.units + len(self.busy))
            self.seat.rest(worker)
            self.take()
