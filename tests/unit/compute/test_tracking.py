"""What an attempt tells of its progress."""

import pytest

from interference_service.compute.tracking import Tracker
from interference_service.domain.events import StageFinished
from interference_service.domain.job import Progress, Stage
from support.jobs import FixedClock


class Heard:
    """All that a tracker has told."""

    def __init__(self) -> None:
        self.reports: list[Progress] = []
        self.events: list[object] = []

    def emit(self, event: object) -> None:
        self.events.append(event)

    def units(self) -> list[tuple[Stage, int, int]]:
        return [(each.stage, each.completed_units, each.total_units) for each in self.reports]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def tracker(heard: Heard) -> Tracker:
    return Tracker(job_name="job", report=heard.reports.append, sink=heard, clock=FixedClock())


def test_units_that_turn_up_later_are_added_to_those_that_are_done(tracker, heard):
    with tracker.stage(Stage.GRADIENTS):
        for units in (2, 1):
            tracker.expect(units)
            for _ in range(units):
                tracker.advance()
    assert heard.units() == [
        (Stage.GRADIENTS, completed, total)
        for completed, total in ((0, 0), (0, 2), (1, 2), (2, 2), (2, 3), (3, 3))
    ]


def test_the_total_is_unknown_until_it_is_known_and_never_below_what_is_done(tracker, heard):
    with tracker.stage(Stage.SCAN):
        tracker.advance()
        tracker.begin(Stage.SCAN, 1)
        tracker.advance()
        tracker.advance()
    assert [units[1:] for units in heard.units()] == [(0, 0), (1, 0), (0, 1), (1, 1), (2, 2)]


def test_a_stage_is_said_to_be_finished_just_where_it_is(tracker, heard):
    with tracker.stage(Stage.SCAN):
        pass
    with pytest.raises(ValueError, match="broken"), tracker.stage(Stage.GRADIENTS):
        raise ValueError("broken")
    assert [type(event) for event in heard.events] == [StageFinished]
    assert heard.events[0].stage is Stage.SCAN


def test_an_analysis_that_begins_again_tells_nothing_until_it_is_further(tracker, heard):
    tracker.begin(Stage.SCAN, 1)
    tracker.advance()
    tracker.begin(Stage.GRADIENTS, 3)
    tracker.advance()
    tracker.advance()
    told = list(heard.units())
    tracker.repeat()
    tracker.begin(Stage.SCAN, 1)
    tracker.advance()
    tracker.begin(Stage.GRADIENTS, 3)
    tracker.advance()
    tracker.advance()
    assert heard.units() == told
    tracker.advance()
    assert heard.units() == [*told, (Stage.GRADIENTS, 3, 3)]
    tracker.begin(Stage.REDUCE, 1)
    assert heard.units()[-1] == (Stage.REDUCE, 0, 1)
