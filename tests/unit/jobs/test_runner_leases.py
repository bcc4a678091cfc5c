"""A job is run by one server at a time, and by another when that one is gone."""

import asyncio
import threading
from datetime import timedelta

from interference_service.domain.job import JobState
from support.runner_waits import NAME, ended, running
from support.waiting import until


async def test_a_dead_servers_job_is_taken_over_once_its_lease_has_run_out(world):
    await world.submit()
    world.store.claim("the dead one", timedelta(seconds=10))
    runner = world.runner()
    task = asyncio.create_task(runner.run())
    world.clock.advance(11)
    await running(world)
    world.executor.end("nightly")
    assert (await ended(world)).attempt == 2
    runner.stop()
    await task


async def test_a_job_that_kills_its_server_every_time_fails(world):
    await world.submit()
    for _ in range(5):
        world.store.claim("a victim", timedelta(seconds=1))
        world.clock.advance(2)
    runner = world.runner(max_attempts=5)
    task = asyncio.create_task(runner.run())
    job = await ended(world)
    assert (job.state, job.error.reason) == (JobState.FAILED, "WORKER_LOST")
    assert not world.executor.running
    runner.stop()
    await task


async def test_a_worker_that_lost_its_lease_writes_nothing(world, runner):
    await world.submit()
    await running(world)
    world.clock.advance(60)
    world.store.claim("another", timedelta(hours=1))
    world.executor.end("nightly")
    await until(lambda: not runner._running)
    assert await world.state() == "RUNNING"


async def test_a_cancelled_job_of_a_dead_server_ends_cancelled(world):
    await world.submit()
    world.store.claim("the dead one", timedelta(seconds=1))
    await world.jobs.cancel(NAME, "")
    world.clock.advance(2)
    runner = world.runner()
    task = asyncio.create_task(runner.run())
    assert (await ended(world)).state is JobState.CANCELLED
    runner.stop()
    await task


async def test_a_lease_is_kept_while_the_result_is_written(world, monkeypatch):
    writing, go_on = threading.Event(), threading.Event()
    write = world.artifacts.write

    def slow(*given: object) -> None:
        writing.set()
        assert go_on.wait(20)
        write(*given)

    ends, renew = [], world.store.renew

    def noted(name, owner, lease, progress):
        end = world.clock.now() + lease
        state = renew(name, owner, lease, progress)
        ends.append(end)
        return state

    monkeypatch.setattr(world.artifacts, "write", slow)
    monkeypatch.setattr(world.store, "renew", noted)
    runner = world.runner(concurrency=2)
    task = asyncio.create_task(runner.run())
    await world.submit()
    await running(world)
    world.executor.end("nightly")
    await until(writing.is_set)
    for _ in range(4):
        # Each step is less than the lease, all together are more.
        now = world.clock.advance(6)
        end = now + timedelta(seconds=10)
        await until(lambda end=end: ends[-1] >= end)
    go_on.set()
    job = await ended(world)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1)
    assert world.executor.running == ["nightly"]
    assert (await world.jobs.result(NAME))[1].classes
    runner.stop()
    await task


async def test_an_attempt_that_lost_its_lease_cannot_end_the_next(world, monkeypatch):
    stuck, go_on = threading.Event(), threading.Event()
    write = world.artifacts.write

    def slow(job, *given: object) -> None:
        if job.attempt == 1:
            stuck.set()
            assert go_on.wait(20)
        write(job, *given)

    monkeypatch.setattr(world.artifacts, "write", slow)
    runner = world.runner(concurrency=2, beat_seconds=60)
    task = asyncio.create_task(runner.run())
    await world.submit()
    await running(world)
    world.executor.end("nightly")
    await until(stuck.is_set)
    world.clock.advance(60)
    await until(lambda: len(world.executor.running) == 2)
    go_on.set()
    world.executor.end("nightly")
    job = await ended(world)
    assert job.attempt == 2
    assert (await world.jobs.result(NAME))[1].classes
    runner.stop()
    await task
