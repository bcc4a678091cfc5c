"""The job store, timed and counted by operation."""

import inspect

import pytest

from interference_service.domain.job import job_name
from interference_service.domain.ports import JobStore
from interference_service.errors import (
    InternalError,
    NotFound,
    ServiceError,
    StoreUnavailable,
    WrongState,
)
from interference_service.store.memory import MemoryJobStore
from interference_service.telemetry.store import OPERATIONS, StoreMetrics
from support.jobs import FixedClock, job

NAME = job_name("default", "a")


@pytest.fixture
def timed(registry):
    return StoreMetrics(registry).timed(MemoryJobStore(FixedClock()))


@pytest.fixture
def seen(registry, timed):
    def read(operation: str) -> tuple[float | None, float | None]:
        """How often it was called, and failed."""
        labels = {"operation": operation}
        return (
            registry.get_sample_value("interference_store_operation_seconds_count", labels),
            registry.get_sample_value("interference_store_errors_total", labels),
        )

    return read


def test_every_operation_of_the_port_is_there_before_its_first_call(seen):
    port = {name for name, _ in inspect.getmembers(JobStore, inspect.isfunction) if name[0] != "_"}
    assert set(OPERATIONS) == port
    assert {seen(operation) for operation in OPERATIONS} == {(0, 0)}


def test_operations_answer_as_before_and_are_counted(timed, seen):
    made, replayed = timed.create(job("a"), None)
    assert (timed.get(NAME), replayed) == (made, False)
    assert timed.change(NAME, lambda found: found, owner=None) == made
    assert [seen(each) for each in ("create", "get", "change", "delete")] == [(1, 0)] * 3 + [(0, 0)]


def test_an_answer_that_there_is_none_is_no_failure(timed, seen):
    with pytest.raises(NotFound):
        timed.get(NAME)
    assert seen("get") == (1, 0)


@pytest.mark.parametrize(
    ("error", "failures"),
    [
        (StoreUnavailable("away"), 1),
        (InternalError("damaged"), 1),
        (OSError("no space"), 1),
        (WrongState("done"), 0),
        (ServiceError("refused"), 0),
    ],
    ids=lambda each: type(each).__name__,
)
def test_failures_are_told_from_refusals(timed, seen, error, failures):
    def refuse(_):
        raise error

    timed.create(job("a"), None)
    with pytest.raises(type(error)):
        timed.delete(NAME, refuse)
    assert seen("delete") == (1, failures)
