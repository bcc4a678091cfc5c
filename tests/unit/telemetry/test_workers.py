"""Workers as series: how many, what they did, and how full their devices are."""

import pytest

from interference_service.domain.events import RowsDifferentiated, WorkerDied
from interference_service.domain.workers import DeviceMemory, Workers

MEMORY = "interference_device_memory_bytes"


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("interference_gradient_workers", "state", ["starting", "idle", "busy"]),
        ("interference_gradient_rows_total", "device", ["cpu", "cuda"]),
        ("interference_workers_lost_total", "reason", ["died", "node_died", "out_of_memory"]),
    ],
)
def test_known_label_values_begin_at_zero(value, name, label, values):
    assert [value(name, **{label: each}) for each in values] == [0] * len(values)


def test_workers_are_counted_at_the_scrape(metrics, value):
    found = Workers()
    metrics.follow_workers(lambda: found)
    found = Workers(starting=1, idle=2, busy=3)
    states = ("starting", "idle", "busy")
    assert [value("interference_gradient_workers", state=each) for each in states] == [1, 2, 3]


def test_work_is_counted_in_rows_and_seconds(metrics, value):
    metrics.emit(RowsDifferentiated(128, 0.5, "cuda"))
    metrics.emit(RowsDifferentiated(64, 0.25, "cuda"))
    metrics.emit(WorkerDied("out_of_memory"))
    assert value("interference_gradient_rows_total", device="cuda") == 192
    assert value("interference_gradient_seconds_total") == 0.75
    assert value("interference_workers_lost_total", reason="out_of_memory") == 1


def test_the_memory_of_a_device_is_the_one_told_last_and_absent_before(metrics, value):
    assert value(MEMORY, device="cuda", kind="used") is None
    metrics.emit(RowsDifferentiated(1, 0.5, "cuda", DeviceMemory(5, 80)))
    metrics.emit(RowsDifferentiated(1, 0.5, "cuda", DeviceMemory(7, 80)))
    assert [value(MEMORY, device="cuda", kind=each) for each in ("used", "total")] == [7, 80]
    assert value(MEMORY, device="cpu", kind="used") is None
