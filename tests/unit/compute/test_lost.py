"""How often a call may be lost, and which is next."""

import pytest

from interference_service.compute.lost import Bounds, Loss, Losses, Lost, Turns
from interference_service.domain.events import WorkerDied
from interference_service.errors import OutOfMemory, WorkerLost
from support.fake_fleet import FakeClock

BOUNDS = Bounds(tries=2, losses=4)


class Events(list[object]):
    def emit(self, event: object) -> None:
        self.append(event)


def losses(name: str = "unit 3") -> Losses:
    return Losses(name, BOUNDS, Events())


def note(counted: Losses, *kinds: Loss) -> None:
    for kind in kinds:
        counted.note(Lost(kind))


@pytest.mark.parametrize(
    ("loss", "most", "error", "text"),
    [
        (Loss.DIED, 2, WorkerLost, "unit 3 lost its worker 2 times"),
        (Loss.NODE_DIED, 4, WorkerLost, "unit 3 lost its node 4 times"),
        (Loss.OUT_OF_MEMORY, 4, OutOfMemory, "unit 3 lost its worker 4 times for lack of memory"),
        (Loss.PAYLOAD_LOST, 4, WorkerLost, "unit 3 lost what it needs 4 times"),
    ],
)
def test_every_cause_has_its_bound_and_names_the_call(loss, most, error, text):
    counted = losses()
    note(counted, *[loss] * (most - 1))
    with pytest.raises(error, match=text):
        note(counted, loss)


def test_a_call_that_reads_names_the_fields_of_what_ends_its_process():
    counted = Losses("reading the model", BOUNDS, Events(), reads=("model.uri", "data.uris"))
    note(counted, Loss.DIED)
    with pytest.raises(WorkerLost, match="reading the model lost its worker 2 times") as caught:
        note(counted, Loss.DIED)
    assert [each.field for each in caught.value.violations] == ["spec.model.uri", "spec.data.uris"]
    assert "is damaged" in caught.value.violations[0].description


def test_a_lost_node_is_no_matter_of_what_is_read():
    counted = Losses("reading the model", BOUNDS, Events(), reads=("model.uri",))
    note(counted, *[Loss.NODE_DIED] * 3)
    with pytest.raises(WorkerLost) as caught:
        note(counted, Loss.NODE_DIED)
    assert not caught.value.violations


def test_causes_are_counted_apart():
    counted = losses()
    note(counted, Loss.DIED, *[Loss.NODE_DIED] * 3, *[Loss.OUT_OF_MEMORY] * 3)
    note(counted, *[Loss.PAYLOAD_LOST] * 3)
    with pytest.raises(WorkerLost):
        note(counted, Loss.DIED)


def test_what_has_succeeded_is_no_longer_blamed():
    counted = losses()
    note(counted, Loss.DIED)
    counted.forget()
    note(counted, Loss.DIED)


def test_lost_workers_are_told_and_lost_payloads_are_none():
    events = Events()
    note(Losses("unit", BOUNDS, events), Loss.DIED, Loss.PAYLOAD_LOST, Loss.NODE_DIED)
    assert events == [WorkerDied("died"), WorkerDied("node_died")]


def test_the_costliest_comes_first_and_of_equal_ones_the_first():
    turns = Turns([losses() for _ in range(4)], [2, 9, 2, 5])
    order = []
    while (index := turns.next()) is not None:
        turns.begin(index)
        order.append(index)
    assert order == [1, 3, 0, 2]


def test_a_crash_is_tried_again_at_once_and_before_all_others():
    turns = Turns([losses() for _ in range(3)], [3, 2, 1])
    turns.begin(0)
    turns.lost(0, Lost(Loss.DIED))
    assert turns.next() == 0


def test_a_lost_node_gets_time_to_come_back_while_others_go_on():
    clock = FakeClock()
    turns = Turns([losses() for _ in range(2)], [2, 1], clock)
    turns.begin(0)
    turns.lost(0, Lost(Loss.NODE_DIED))
    assert turns.next() == 1
    turns.begin(1)
    assert turns.next() is None
    clock.now += 0.5
    assert turns.next() == 0


def test_pauses_double_up_to_a_bound():
    counted = Losses("unit", Bounds(2, 99), Events())
    pauses = []
    for _ in range(9):
        note(counted, Loss.OUT_OF_MEMORY)
        pauses.append(counted.pause_seconds)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_what_was_ended_for_memory_runs_with_nothing_beside_it():
    clock = FakeClock()
    turns = Turns([losses() for _ in range(3)], [3, 2, 1], clock)
    turns.begin(0)
    turns.begin(1)
    turns.lost(0, Lost(Loss.OUT_OF_MEMORY))
    clock.now += 60
    assert turns.next() == 2
    turns.begin(2)
    assert turns.next() is None
    turns.finished(1)
    assert turns.next() is None
    turns.finished(2)
    assert turns.wanted == 1
    assert turns.next() == 0


def test_nothing_begins_beside_what_must_be_alone():
    clock = FakeClock()
    turns = Turns([losses() for _ in range(2)], [2, 1], clock)
    turns.begin(0)
    turns.lost(0, Lost(Loss.OUT_OF_MEMORY))
    clock.now += 60
    turns.begin(0)
    assert turns.next() is None
    turns.finished(0)
    assert turns.next() == 1


def test_a_call_whose_needs_are_lost_is_left_out():
    turns = Turns([losses()], [1])
    turns.begin(0)
    turns.lost(0, Lost(Loss.PAYLOAD_LOST))
    assert turns.over
