"""Readiness and event loop as series."""

import pytest

from interference_service.domain.events import DependencySeen, LoopTurned, ReadinessSeen


@pytest.mark.parametrize("dependency", ["store", "cluster"])
def test_nothing_is_there_before_it_was_seen(value, dependency):
    assert value("interference_ready") == 0
    assert value("interference_dependency_up", dependency=dependency) == 0


def test_what_is_seen_last_counts(metrics, value):
    for there in (True, False, True):
        metrics.emit(DependencySeen("store", there))
        metrics.emit(ReadinessSeen(there))
        assert value("interference_dependency_up", dependency="store") == there
        assert value("interference_ready") == there
    assert value("interference_dependency_up", dependency="cluster") == 0


def test_the_lag_of_the_loop_is_spread_over_buckets(metrics, value):
    for late in (0.002, 0.3, 4.0):
        metrics.emit(LoopTurned(late))
    lag = "interference_event_loop_lag_seconds"
    assert value(f"{lag}_count") == 3
    assert [value(f"{lag}_bucket", le=bound) for bound in ("0.001", "0.005", "0.5", "5.0")] == [
        0,
        1,
        2,
        3,
    ]


def test_a_stall_is_asked_for_at_the_scrape(metrics, value):
    stalls = iter((0.0, 7.5))
    metrics.follow_loop(lambda: next(stalls))
    assert value("interference_event_loop_stalled_seconds") == 0.0
    assert value("interference_event_loop_stalled_seconds") == 7.5
