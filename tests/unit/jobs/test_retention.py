"""Finished jobs go when their time has come."""

import asyncio
import threading
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from interference_service.domain.job import Job
from interference_service.domain.query import JobQuery
from interference_service.errors import StoreUnavailable
from interference_service.jobs import retention as retention_module
from interference_service.jobs.retention import Retention
from support.jobs import job, succeed
from support.waiting import until


@pytest.fixture
def retention(world) -> Retention:
    return Retention(world.store, world.artifacts, world.clock)


@pytest.fixture
def expired(world):
    """Makes finished jobs that have expired."""

    def make(*ids: str) -> None:
        now = world.clock.now()
        for second, job_id in enumerate(ids):
            end = now + timedelta(seconds=second)
            succeed(world.store, job(job_id, expire_time=end), now)
        world.clock.advance(len(ids))

    return make


@pytest.fixture
def stuck(world, monkeypatch) -> set[str]:
    """Ids of the jobs whose results cannot be removed."""
    delete, ids = world.artifacts.delete, set()

    def fails(job: Job) -> None:
        if job.id in ids:
            raise OSError("device or resource busy")
        delete(job)

    monkeypatch.setattr(world.artifacts, "delete", fails)
    return ids


def never() -> bool:
    return False


def left(world) -> set[str]:
    return {each.id for each in world.store.list(JobQuery("default")).jobs}


def test_what_has_expired_is_removed_and_nothing_else(world, retention):
    now = world.clock.now()
    for job_id, life in (("old", 10), ("young", 1000)):
        succeed(world.store, job(job_id, expire_time=now + timedelta(seconds=life)), now)
    assert retention.sweep(never) == 0
    world.clock.advance(11)
    assert retention.sweep(never) == 1
    assert left(world) == {"young"}


def test_a_result_that_cannot_be_removed_keeps_its_job_until_it_can(
    world, retention, expired, stuck
):
    expired("old")
    stuck.add("old")
    with capture_logs() as logs:
        assert retention.sweep(never) == 0
    assert left(world) == {"old"}
    assert [(each["event"], each["count"]) for each in logs] == [("results_not_removed", 1)]
    assert "analysisJobs/old: device or resource busy" in logs[0]["first"]
    stuck.clear()
    assert retention.sweep(never) == 1
    assert left(world) == set()


def test_results_that_cannot_be_removed_keep_no_other(
    world, retention, expired, stuck, monkeypatch
):
    monkeypatch.setattr(retention_module, "_BATCH", 2)
    stuck.update({"a", "b", "c"})
    expired("a", "b", "c", "d", "e", "f")
    assert retention.sweep(never) == 3
    assert left(world) == stuck


def test_whoever_is_to_stop_leaves_the_rest(world, retention, expired):
    expired("a", "b", "c")
    answers = iter([False, True])
    assert retention.sweep(lambda: next(answers)) == 1
    assert left(world) == {"b", "c"}


async def ran(retention: Retention, world, condition) -> None:
    """Let it run until a condition holds."""
    stopping = asyncio.Event()
    running = asyncio.create_task(retention.run(0.01, stopping))
    await until(condition)
    stopping.set()
    await running


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a defect")])
async def test_leftovers_are_collected_though_nothing_can_be_swept(
    world, retention, monkeypatch, error
):
    collected = []

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(world.store, "expired", fails)
    monkeypatch.setattr(
        world.artifacts, "collect", lambda *_: collected.append("once in a while") or 0
    )
    with capture_logs() as logs:
        await ran(retention, world, lambda: collected)
    # A store that is away has told it already.
    told = {each["event"] for each in logs}
    assert told == (set() if isinstance(error, StoreUnavailable) else {"retention_failed"})


async def test_a_run_that_is_to_stop_waits_for_no_more_than_one_job(
    world, retention, expired, monkeypatch
):
    expired("a", "b", "c")
    removing, go_on = threading.Event(), threading.Event()
    delete = world.artifacts.delete

    def slow(job: Job) -> None:
        removing.set()
        assert go_on.wait(20)
        delete(job)

    monkeypatch.setattr(world.artifacts, "delete", slow)
    stopping = asyncio.Event()
    running = asyncio.create_task(retention.run(60, stopping))
    await until(removing.is_set)
    stopping.set()
    go_on.set()
    await running
    assert left(world) == {"b", "c"}
