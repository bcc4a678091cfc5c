"""One job's actors, on fake processes: what runs when, and whose fault a loss is."""

import threading
from collections.abc import Callable, Iterator

import pytest

from interference_service.compute import actors as module, lost, payloads
from interference_service.compute.actors import JobActors
from interference_service.compute.calls import check
from interference_service.compute.context import LoadReport, UnitReport
from interference_service.compute.fleet import Worker
from interference_service.compute.lost import Bounds, Loss, Lost
from interference_service.compute.payloads import Runner
from interference_service.compute.pool import ActorPool, Seat
from interference_service.compute.segmentation.known import HOMOGENEOUS
from interference_service.compute.spares import PoolBounds
from interference_service.domain.events import RowsDifferentiated, Work, WorkDone, WorkerDied
from interference_service.domain.job import Priority
from interference_service.errors import Cancelled, InvalidData, WorkerLost
from support.fake_fleet import FakeClock, FakeFleet


class Call:
    """A call whose outcome is decided by what is done to its actor."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome


class Method:
    def __init__(self, outcome: object) -> None:
        self.outcome = outcome

    def remote(self, *arguments: object) -> Call:
        return Call(self.outcome)


class Process:
    """An actor: ``lives`` and ``load`` give what they are told to."""

    def __init__(self, lives: object = None, load: object = LoadReport("cpu")) -> None:
        self.lives, self.load = Method(lives), Method(load)


class Fetches(Runner):
    """Makes what units need, at once."""

    def __init__(self, sink: object) -> None:
        super().__init__(bounds=Bounds(3, 4), cancellation=threading.Event(), sink=sink)
        self.made = 0

    def _run(self, calls, made) -> None:
        for call in calls:
            self.made += 1
            made(call, [f"rows {self.made}"])


class World:
    """A job with a seat, whose processes come from a list; afterwards they are sound."""

    def __init__(self, slots: int, *processes: Process) -> None:
        self.fleet, self.events = FakeFleet(slots), []
        self.pool = ActorPool(self.fleet, PoolBounds(spares=1), FakeClock())
        self.processes: Iterator[Process] = iter(processes)
        self.cancellation = threading.Event()
        self.begun: list[int] = []
        self.models = Fetches(self)
        self.tend()

    def emit(self, event: object) -> None:
        self.events.append(event)

    def tend(self) -> None:
        self.pool.tend(0)
        self.fleet.answer()
        self.pool.tend(0)
        for worker in self.fleet.started:
            if isinstance(worker.actor, str):
                worker.actor = next(self.processes, None) or Process()

    def ended(self, calls: list[Call], cancellation: threading.Event) -> list[Call]:
        check(cancellation)
        self.tend()
        return calls[:1]

    def job(self) -> JobActors:
        return JobActors(
            lambda: self.pool.seat(Priority.NORMAL),
            context=None,
            model=self.models.call("the model", None).payload(),
            parameter_names=(),
            projection=None,
            segmentation=HOMOGENEOUS,
            bounds=Bounds(tries=3, losses=4),
            cancellation=self.cancellation,
            sink=self,
        )

    def unit(self, index: int, *outcomes: object) -> Callable[..., list[object]]:
        """A unit that has these outcomes, one at each try, and then succeeds."""
        left = iter(outcomes)

        def submit(actor: Process, *needs: object) -> list[object]:
            self.begun.append(index)
            return [Call(next(left, UnitReport(10, 0.1, "cpu"))), f"array of {index}"]

        return submit

    def run(self, *units, costs=None, job=None) -> list[object]:
        job = job or self.job()
        calls = [
            job.call(f"unit {index}", unit, cost=cost)
            for index, (unit, cost) in enumerate(zip(units, costs or [1] * len(units), strict=True))
        ]
        job.run(calls)
        return [call.ref(0) for call in calls]


def settle(call: Call) -> object:
    if isinstance(call.outcome, Exception):
        raise call.outcome
    return call.outcome


@pytest.fixture
def world(monkeypatch):
    """Builds worlds in which calls are fake ones."""

    def build(slots: int, *processes: Process) -> World:
        world = World(slots, *processes)
        monkeypatch.setattr(module, "settle", settle)
        monkeypatch.setattr(module, "ended", world.ended)
        monkeypatch.setattr(Seat, "wait", lambda *_: world.tend())
        return world

    return build


def test_the_costliest_units_begin_first_and_arrays_come_in_the_order_of_the_units(world):
    here = world(1)
    arrays = here.run(*(here.unit(index) for index in range(4)), costs=[2, 9, 2, 5])
    assert here.begun == [1, 3, 0, 2]
    assert arrays == [f"array of {index}" for index in range(4)]
    assert here.events == [RowsDifferentiated(10, 0.1, "cpu")] * 4


def test_what_actors_say_of_their_work_is_told_with_what_it_was_about(world):
    load, unit = (Work(name, 1.0, 2.0, "node", 7) for name in ("load", "gradients"))
    here = world(1, Process(load=LoadReport("cuda:0", load)))
    here.run(here.unit(0, UnitReport(10, 0.1, "cuda", unit)))
    told = [each for each in here.events if isinstance(each, WorkDone)]
    assert told == [
        WorkDone(load, "the start of an actor", {"device": "cuda:0"}),
        WorkDone(unit, "unit 0", {"rows": 10, "device": "cuda"}),
    ]


def test_a_unit_that_loses_its_actor_runs_again_on_another(world):
    here = world(1)
    arrays = here.run(here.unit(0, Lost(Loss.DIED)), here.unit(1))
    assert arrays == ["array of 0", "array of 1"]
    assert sorted(here.begun) == [0, 0, 1]
    assert here.events.count(WorkerDied("died")) == 1
    assert len(here.fleet.killed) >= 2


def test_a_unit_that_always_loses_its_actor_fails_the_job_and_frees_all_actors(world):
    here = world(2)
    with pytest.raises(WorkerLost, match="unit 0 lost its worker 3 times"):
        here.run(here.unit(0, *[Lost(Loss.DIED)] * 3), here.unit(1))
    assert here.pool._workers == []


def test_a_spare_that_was_dead_before_it_was_loaded_is_replaced_without_a_word(world):
    here = world(1, Process(lives=Lost(Loss.DIED), load=Lost(Loss.DIED)))
    assert here.run(here.unit(0)) == ["array of 0"]
    assert here.events == [RowsDifferentiated(10, 0.1, "cpu")]


def test_a_process_that_dies_of_the_model_is_told_and_not_tried_for_ever(world):
    here = world(1, *(Process(load=Lost(Loss.OUT_OF_MEMORY)) for _ in range(9)))
    with pytest.raises(
        Exception, match="the start of an actor lost its worker 4 times for lack of memory"
    ):
        here.run(here.unit(0))
    assert here.events == [WorkerDied("out_of_memory")] * 4


def test_an_error_of_the_model_ends_the_job_at_once(world):
    here = world(1, Process(load=InvalidData("no")))
    with pytest.raises(InvalidData):
        here.run(here.unit(0))
    assert here.begun == []


def test_a_cancelled_job_gives_up_its_actors_at_once(world):
    here = world(1)

    def cancel(actor: Process) -> list[Call]:
        here.cancellation.set()
        return [Call(None)]

    with pytest.raises(Cancelled):
        here.run(cancel)
    assert len(here.fleet.killed) == 1


def test_a_later_run_of_the_same_job_uses_the_actors_that_it_has(world):
    here = world(1)
    job = here.job()
    with here.pool.seat(Priority.NORMAL) as seat, job.seated(seat):
        here.run(here.unit(0), job=job)
        here.run(here.unit(1), job=job)
        used: list[Worker] = here.pool._workers
        assert len(used) == 1
    assert here.fleet.killed == used
    assert job.device == "cpu"


def test_a_unit_that_must_run_again_after_the_seat_was_left_gets_another(world):
    here = world(1)
    job = here.job()
    with here.pool.seat(Priority.NORMAL) as seat, job.seated(seat):
        here.run(here.unit(0), job=job)
    assert here.run(here.unit(1), job=job) == ["array of 1"]
    assert here.pool._workers == []


def test_a_unit_that_lost_a_node_is_not_to_blame_until_the_larger_bound(world, monkeypatch):
    monkeypatch.setattr(lost, "_FIRST_PAUSE_SECONDS", 0.01)
    here = world(1)
    assert here.run(here.unit(0, *[Lost(Loss.NODE_DIED)] * 3)) == ["array of 0"]
    with pytest.raises(WorkerLost, match="unit 0 lost its node 4 times"):
        here.run(here.unit(0, *[Lost(Loss.NODE_DIED)] * 4))


def test_a_unit_whose_rows_are_lost_waits_for_them_and_its_actor_goes_on(world, monkeypatch):
    here = world(1)
    monkeypatch.setattr(payloads, "is_lost", lambda ref, _: ref == "rows 1")
    job, fetches = here.job(), Fetches(here)
    fetch = fetches.call("the fetch", None)
    calls = [
        job.call("unit 0", here.unit(0, Lost(Loss.PAYLOAD_LOST)), fetch.payload(), frees=True),
        job.call("unit 1", here.unit(1)),
    ]
    with here.pool.seat(Priority.NORMAL) as seat, job.seated(seat):
        job.run(calls)
        assert here.fleet.killed == []
    assert here.begun == [0, 1, 0]
    assert fetches.made == 2
    assert fetch.ref(0) is None
    assert WorkerDied("died") not in here.events


def test_a_model_that_was_lost_is_read_again(world):
    here = world(1, Process(load=Lost(Loss.PAYLOAD_LOST)))
    assert here.run(here.unit(0)) == ["array of 0"]
    assert here.models.made == 2
    assert WorkerDied("died") not in here.events


def test_a_model_is_read_once_for_all_actors(world):
    here = world(3)
    here.run(*(here.unit(index) for index in range(6)))
    assert here.models.made == 1
