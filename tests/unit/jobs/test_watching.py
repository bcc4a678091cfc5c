"""Watching a job to its end."""

import asyncio
from datetime import timedelta

import pytest

from interference_service.domain.job import Job, JobState, Progress
from interference_service.errors import NotFound
from interference_service.jobs import watching
from interference_service.jobs.limits import Limits

NAME = "projects/default/analysisJobs/nightly"


def watch(world, resume_token="", heartbeat_seconds=30.0, principal="alice"):
    return world.jobs.watch(
        NAME,
        principal=principal,
        resume_token=resume_token,
        heartbeat_seconds=heartbeat_seconds,
    )


async def test_a_watch_begins_with_a_snapshot_and_ends_with_a_terminal_one(world):
    await world.submit()
    events = watch(world)
    first = await anext(events)
    assert first.body.state is JobState.PENDING
    await world.jobs.cancel(NAME, "")
    rest = [event async for event in events]
    assert rest[-1].body.state is JobState.CANCELLED


async def test_no_change_falls_between_the_first_read_and_the_wait(world, monkeypatch):
    monkeypatch.setattr(watching, "_LOOK_SECONDS", 60.0)
    await world.submit()
    get, loop = world.store.get, asyncio.get_running_loop()

    def changes_once_read(name: str) -> Job:
        read = get(name)
        monkeypatch.setattr(world.store, "get", get)
        world.store.change(name, lambda job: job.to(JobState.CANCELLED, world.clock.now()))
        loop.call_soon_threadsafe(world.notices.notify, name)
        return read

    monkeypatch.setattr(world.store, "get", changes_once_read)
    async with asyncio.timeout(10):
        told = [event.body.state async for event in watch(world)]
    assert told == [JobState.PENDING, JobState.CANCELLED]


async def test_a_resumed_watch_tells_only_what_is_new(world):
    await world.submit()
    token = (await anext(watch(world))).resume_token
    await world.jobs.cancel(NAME, "")
    rest = [event async for event in watch(world, resume_token=token)]
    assert [event.body.state for event in rest] == [JobState.CANCELLED]


async def test_a_token_of_another_server_begins_with_a_snapshot(world):
    await world.submit()
    assert isinstance((await anext(watch(world, resume_token="unknown"))).body, Job)


async def test_a_token_of_another_principal_begins_with_a_snapshot(world):
    await world.submit()
    token = (await anext(watch(world, principal="bob"))).resume_token
    assert isinstance((await anext(watch(world, resume_token=token))).body, Job)


async def test_silence_is_broken_by_heartbeats(world):
    await world.submit()
    events = watch(world, heartbeat_seconds=0.05)
    assert isinstance((await anext(events)).body, Job)
    assert (await anext(events)).body is None


async def test_progress_is_told_between_snapshots(world):
    await world.submit()
    now = world.clock.now()
    world.store.claim("worker", timedelta(seconds=60))
    events = watch(world)
    await anext(events)
    moved = Progress(stage="GRADIENTS", completed_units=3, total_units=9, update_time=now)
    world.store.renew(NAME, "worker", timedelta(seconds=60), moved)
    world.notices.notify(NAME)
    assert (await anext(events)).body == moved


async def test_a_watch_ends_without_an_end_when_the_server_goes_down(world):
    await world.submit()
    events = watch(world)
    await anext(events)
    world.jobs.drain()
    async with asyncio.timeout(10):
        assert [event async for event in events] == []


async def test_a_watch_of_nothing_is_refused(world):
    with pytest.raises(NotFound):
        await anext(watch(world))


async def test_a_change_by_another_replica_is_seen(world):
    await world.submit()
    events = watch(world)
    await anext(events)
    # Straight into the store, so that nobody here is told of it.
    world.store.change(NAME, lambda job: job.to(JobState.CANCELLED, world.clock.now()))
    async with asyncio.timeout(10):
        assert (await anext(events)).body.state is JobState.CANCELLED


async def test_a_job_that_is_deleted_during_a_watch_is_not_found(world):
    job = await world.submit()
    events = watch(world)
    await anext(events)
    world.store.delete(job.name, lambda _: None)
    async with asyncio.timeout(10):
        with pytest.raises(NotFound):
            await anext(events)


async def test_a_watch_does_not_go_over_to_another_job_of_the_same_name(world):
    job = await world.submit()
    events = watch(world)
    token = (await anext(events)).resume_token
    world.store.delete(job.name, lambda _: None)
    successor = await world.submit()
    async with asyncio.timeout(10):
        with pytest.raises(NotFound, match="another job has its name"):
            await anext(events)
    assert (await anext(watch(world, resume_token=token))).body.uid == successor.uid


async def test_progress_is_coalesced_and_an_end_does_not_wait_for_it(world):
    await world.submit()
    now = world.clock.now()
    lease = timedelta(seconds=60)
    world.store.claim("worker", lease)
    events = watch(world)
    await anext(events)

    def move(units: int) -> Progress:
        moved = Progress(stage="GRADIENTS", completed_units=units, update_time=now)
        world.store.renew(NAME, "worker", lease, moved)
        world.notices.notify(NAME)
        return moved

    first = move(1)
    assert (await anext(events)).body == first
    following = asyncio.create_task(anext(events))
    for units in range(2, 20):
        last = move(units)
        await asyncio.sleep(0)
    assert (await following).body == last
    move(20)
    world.store.change(NAME, lambda job: job.to(JobState.FAILED, now), owner="worker")
    world.notices.notify(NAME)
    assert [event.body.state for event in [each async for each in events]] == [JobState.FAILED]


async def test_a_watch_that_has_lasted_long_enough_ends_with_a_token_to_go_on(world):
    world = type(world)(limits=Limits(max_watch_seconds=0.05))
    await world.submit()
    async with asyncio.timeout(10):
        told = [event async for event in watch(world)]
    assert [event.body.state for event in told] == [JobState.PENDING]
    await world.jobs.cancel(NAME, "")
    rest = [event async for event in watch(world, resume_token=told[-1].resume_token)]
    assert [event.body.state for event in rest] == [JobState.CANCELLED]
