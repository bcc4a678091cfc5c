"""What becomes of running jobs when their runner goes down."""

import asyncio
import threading

from interference_service.domain.job import JobState
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
