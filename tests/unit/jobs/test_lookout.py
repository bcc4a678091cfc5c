"""What another replica changes reaches those who watch, at a cost that does not grow with them."""

import asyncio
from collections import Counter

import pytest
from structlog.testing import capture_logs

from interference_service.domain.job import Job, Progress, Stage
from interference_service.errors import NotFound, StoreUnavailable
from interference_service.jobs import watching
from support.jobs import START
from support.waiting import until

COUNT = 20


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(watching, "_LOOK_SECONDS", 0.02)


@pytest.fixture
def asked(world, monkeypatch) -> Counter:
    """How often the store was asked, and for what."""
    counts = Counter()

    def counted(name: str):
        method = getattr(world.store, name)

        def count(*arguments):
            counts[name] += 1
            return method(*arguments)

        return count

    for name in ("get", "marks"):
        monkeypatch.setattr(world.store, name, counted(name))
    return counts


def name_of(number: int) -> str:
    return f"projects/default/analysisJobs/job-{number}"


async def opened(world, count: int = COUNT):
    """Watches of as many jobs, each of which has told its snapshot and waits."""
    events = []
    for number in range(count):
        await world.submit(f"job-{number}")
        events.append(
            world.jobs.watch(
                name_of(number), principal="alice", resume_token="", heartbeat_seconds=30.0
            )
        )
    for each in events:
        assert isinstance((await anext(each)).body, Job)
    return events, [asyncio.create_task(anext(each)) for each in events]


async def closed(events, waiting) -> None:
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for each in events:
        await each.aclose()


async def test_all_watches_look_together_and_read_what_has_changed_alone(world, asked):
    events, waiting = await opened(world)
    await until(lambda: asked["marks"] >= 3)
    assert asked["get"] == COUNT
    world.store.change(name_of(7), lambda job: job.changed(START, ttl_seconds=60.0))
    async with asyncio.timeout(20):
        told = await waiting[7]
    assert told.body.ttl_seconds == 60.0
    looks = asked["marks"]
    await until(lambda: asked["marks"] >= looks + 3)
    assert asked["get"] == COUNT + 1
    assert [each.done() for each in waiting].count(True) == 1
    await closed(events, waiting)


async def test_progress_that_another_replica_writes_is_told(world):
    events, waiting = await opened(world, 1)
    progress = Progress(stage=Stage.SCAN, completed_units=3, update_time=START)
    world.store.change(name_of(0), lambda job: job.model_copy(update={"progress": progress}))
    async with asyncio.timeout(20):
        assert (await waiting[0]).body == progress
    await closed(events, waiting)


async def test_a_job_that_another_replica_deletes_ends_its_watch(world):
    events, waiting = await opened(world, 1)
    world.store.delete(name_of(0), lambda _: None)
    async with asyncio.timeout(20):
        with pytest.raises(NotFound):
            await waiting[0]
    await closed(events, waiting)


@pytest.mark.parametrize(
    ("error", "told"),
    [(StoreUnavailable("which the store has told"), False), (RuntimeError("a defect"), True)],
)
async def test_a_store_that_is_away_for_a_while_ends_no_watch(
    world, asked, monkeypatch, error, told
):
    events, waiting = await opened(world, 1)
    marks, failures = world.store.marks, Counter()

    def away(names):
        failures["away"] += 1
        raise error

    monkeypatch.setattr(world.store, "marks", away)
    with capture_logs() as logs:
        await until(lambda: failures["away"] >= 2)
    assert bool(logs) == told
    monkeypatch.setattr(world.store, "marks", marks)
    world.store.change(name_of(0), lambda job: job.changed(START, ttl_seconds=60.0))
    async with asyncio.timeout(20):
        assert (await waiting[0]).body.ttl_seconds == 60.0
    await closed(events, waiting)


async def test_nobody_looks_once_the_last_watch_has_ended(world, asked):
    events, waiting = await opened(world, 2)
    await until(lambda: asked["marks"] >= 1)
    await closed(events, waiting)
    assert world.jobs._lookout._looking is None
