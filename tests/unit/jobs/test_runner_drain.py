"""What becomes of running jobs when their runner goes down."""

import asyncio
import threading

from interference_service.domain.job import JobState
from interference_service.errors import StoreUnavailable
from support.runner_waits import NAME, ended, running


class Stubborn:
    """An analysis that does not hear that it is to stop."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.running: list[str] = []

    def run(self, job, report, cancellation):
        self.running.append(job.id)
        self.let_go.wait()
        raise RuntimeError("what nobody waits for any more")


async def test_a_runner_that_drains_claims_no_more_and_lets_jobs_end(world):
    runner = world.runner()
    task = asyncio.create_task(runner.run())
    await world.submit("first")
    await running(world, "first")
    runner.drain()
    await world.submit("second")
    assert not task.done()
    world.executor.end("first")
    await asyncio.wait_for(task, 10)
    assert await world.state("first") == "SUCCEEDED"
    assert await world.state("second") == "PENDING"
    assert world.executor.running == ["first"]


async def test_a_job_that_does_not_stop_is_handed_back_as_it_is(world):
    stubborn = world.executor = Stubborn()
    runner = world.runner()
    task = asyncio.create_task(runner.run())
    await world.submit()
    await running(world)
    runner.stop()
    assert (await asyncio.wait({task}, timeout=0.2))[1] == {task}
    runner.abandon()
    await asyncio.wait_for(task, 10)
    job = world.store.get(NAME)
    assert (job.state, job.attempt) == (JobState.PENDING, 0)
    stubborn.let_go.set()


async def test_a_cancelled_job_that_does_not_stop_is_cancelled(world):
    stubborn = world.executor = Stubborn()
    runner = world.runner()
    task = asyncio.create_task(runner.run())
    await world.submit()
    await running(world)
    await world.jobs.cancel(NAME, "enough")
    runner.stop()
    runner.abandon()
    await asyncio.wait_for(task, 10)
    assert (await ended(world)).state is JobState.CANCELLED
    stubborn.let_go.set()


async def test_a_store_that_is_away_for_a_moment_loses_no_attempt_that_is_handed_back(
    world, monkeypatch
):
    runner = world.runner()
    task = asyncio.create_task(runner.run())
    await world.submit()
    await running(world)
    change, get, away = world.store.change, world.store.get, []

    def away_at_first(method):
        def ask(*given, **named):
            if len(away) < 2:
                away.append(method)
                raise StoreUnavailable("away")
            return method(*given, **named)

        return ask

    monkeypatch.setattr(world.store, "change", away_at_first(change))
    monkeypatch.setattr(world.store, "get", away_at_first(get))
    runner.stop()
    await asyncio.wait_for(task, 10)
    assert len(away) == 2
    job = get(NAME)
    assert (job.state, job.attempt) == (JobState.PENDING, 0)


async def test_a_job_that_is_cancelled_just_before_it_is_handed_back_is_cancelled(
    world, monkeypatch
):
    runner = world.runner()
    task = asyncio.create_task(runner.run())
    await world.submit()
    await running(world)
    change = world.store.change

    def cancelled_first(name, with_what, **named):
        change(name, lambda job: job.to(JobState.CANCELLING, world.clock.now()))
        return change(name, with_what, **named)

    monkeypatch.setattr(world.store, "change", cancelled_first)
    runner.stop()
    await asyncio.wait_for(task, 10)
    assert await world.state() == "CANCELLED"
