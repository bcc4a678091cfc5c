"""What is lost with a node is made again, with what it takes, and nothing else."""

import threading
from collections.abc import Iterable

import pytest

from interference_service.compute import payloads as module
from interference_service.compute.lost import Bounds, Loss, Lost
from interference_service.compute.payloads import Runner
from interference_service.errors import WorkerLost


class Cluster:
    """Keeps values by reference; nodes may be lost with them."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.made: list[str] = []
        self.references = 0

    def keep(self, values: Iterable[object]) -> list[str]:
        refs = []
        for value in values:
            self.references += 1
            refs.append(f"ref{self.references}")
            self.values[refs[-1]] = value
        return refs

    def lose(self, *payloads: object) -> None:
        for each in payloads:
            del self.values[each.ref]

    def is_lost(self, ref: str, told: str = "") -> bool:
        return ref not in self.values

    def value(self, ref: str, cancellation: threading.Event) -> object:
        if ref not in self.values:
            raise Lost(Loss.PAYLOAD_LOST)
        return self.values[ref]


class FakeRunner(Runner):
    """Runs calls at once; one whose needs are lost is left out, as on a real cluster."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(bounds=Bounds(2, 3), cancellation=threading.Event(), sink=None)
        self._cluster = cluster

    def _run(self, calls, made) -> None:
        for call in calls:
            name, *values = call.submit()
            if lost := [ref for ref in values if self._cluster.is_lost(ref)]:
                call.losses.note(Lost(Loss.PAYLOAD_LOST, object_id=lost[0]))
                continue
            self._cluster.made.append(name)
            taken = [self._cluster.values[each] for each in values]
            made(call, self._cluster.keep([f"{name}({','.join(map(str, taken))})"]))


@pytest.fixture
def cluster(monkeypatch):
    cluster = Cluster()
    monkeypatch.setattr(module, "is_lost", cluster.is_lost)
    monkeypatch.setattr(module, "value", cluster.value)
    return cluster


def chain(cluster: Cluster, *, frees: bool = False):
    """Two fetches on one runner, two units on another, and a sum of both units."""
    tasks, actors = FakeRunner(cluster), FakeRunner(cluster)

    def call(runner, name, *needs, frees=frees):
        return runner.call(
            name, lambda *refs: [name, *refs], *(each.payload() for each in needs), frees=frees
        )

    fetches = [call(tasks, f"fetch{index}") for index in range(2)]
    units = [call(actors, f"unit{index}", fetches[index]) for index in range(2)]
    return tasks, actors, fetches, units, call(tasks, "sum", *units)


SUM = "sum(unit0(fetch0()),unit1(fetch1()))"


def test_what_is_needed_is_made_first_by_its_own_runner(cluster):
    tasks, _, _, _, total = chain(cluster)
    assert tasks.value(total.payload()) == SUM
    assert cluster.made == ["fetch0", "fetch1", "unit0", "unit1", "sum"]


def test_only_what_was_lost_is_made_again(cluster):
    tasks, actors, _, units, total = chain(cluster)
    actors.run(units)
    cluster.made.clear()
    cluster.lose(units[1].payload())
    assert tasks.value(total.payload()) == SUM
    assert cluster.made == ["unit1", "sum"]


def test_what_was_lost_with_all_that_it_was_made_of_is_made_from_the_beginning(cluster):
    tasks, actors, fetches, units, total = chain(cluster)
    actors.run(units)
    cluster.made.clear()
    cluster.lose(units[1].payload(), fetches[1].payload())
    assert tasks.value(total.payload()) == SUM
    assert cluster.made == ["fetch1", "unit1", "sum"]


def test_what_was_released_comes_back_for_who_needs_it_again(cluster):
    tasks, actors, fetches, units, total = chain(cluster, frees=True)
    actors.run(units)
    assert [fetch.ref(0) for fetch in fetches] == [None, None]
    cluster.made.clear()
    cluster.lose(units[0].payload())
    assert tasks.value(total.payload()) == SUM
    assert cluster.made == ["fetch0", "unit0", "sum"]


def test_a_payload_is_kept_until_the_last_that_needs_it_is_done(cluster):
    runner = FakeRunner(cluster)
    rows = runner.call("rows", lambda: ["rows"])
    kept: list[bool] = []
    calls = [
        runner.call("unit", lambda *refs: ["unit", *refs], rows.payload(), frees=True)
        for _ in range(3)
    ]
    runner.run(calls, lambda: kept.append(rows.ref(0) is not None))
    assert kept == [True, True, False]


def test_a_payload_that_was_made_is_not_made_again(cluster):
    tasks, _, _, _, total = chain(cluster)
    assert [tasks.value(total.payload()) for _ in range(2)] == [SUM, SUM]
    assert cluster.made.count("sum") == 1


def test_a_value_that_is_lost_before_it_is_read_is_made_again(cluster):
    tasks, _, _, _, total = chain(cluster)
    tasks.run([total])
    cluster.lose(total.payload())
    assert tasks.value(total.payload()) == SUM
    assert cluster.made.count("sum") == 2
    assert cluster.made.count("unit0") == 1


def test_a_finished_call_is_told_once_though_it_is_made_twice(cluster):
    tasks, actors, _, units, total = chain(cluster)
    told: list[str] = []
    actors.run(units, lambda: told.append("unit"))
    cluster.lose(units[0].payload())
    tasks.run([total], lambda: told.append("sum"))
    assert cluster.made.count("unit0") == 2
    assert told == ["unit", "unit", "sum"]


def test_what_is_lost_again_and_again_fails_in_the_end(cluster, monkeypatch):
    tasks, actors, _, units, total = chain(cluster)
    actors.run(units)
    monkeypatch.setattr(module, "is_lost", lambda *_: False)
    monkeypatch.setattr(cluster, "is_lost", lambda *_: True)
    with pytest.raises(WorkerLost, match="lost what it needs 3 times"):
        tasks.run([total])


def test_needs_that_are_out_of_reach_without_being_known_as_lost_are_all_made_again(
    cluster, monkeypatch
):
    tasks, actors, _, units, total = chain(cluster)
    actors.run(units)
    cluster.lose(units[1].payload())
    cluster.made.clear()
    monkeypatch.setattr(module, "is_lost", lambda *_: False)
    assert tasks.value(total.payload()) == SUM
    assert cluster.made == ["unit0", "unit1", "sum"]


def test_of_needs_that_are_out_of_reach_the_one_that_is_named_is_made_again(cluster, monkeypatch):
    tasks, actors, _, units, total = chain(cluster)
    actors.run(units)
    cluster.lose(units[1].payload())
    cluster.made.clear()
    monkeypatch.setattr(module, "is_lost", lambda ref, told: ref == told)
    assert tasks.value(total.payload()) == SUM
    assert cluster.made == ["unit1", "sum"]
