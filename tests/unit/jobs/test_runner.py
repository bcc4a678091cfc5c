"""How jobs are run, and how they end."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from interference_service.domain.events import (
    AttemptStarted,
    JobFinished,
    JobSubmitted,
    StageFinished,
)
from interference_service.domain.job import JobError, JobState, Priority, Settings
from interference_service.domain.specification import Comparison, Gate
from interference_service.errors import Cancelled, InvalidData
from support.jobs import analysis, specification
from support.runner_waits import NAME, ended, running
from support.waiting import until


async def test_a_job_runs_and_succeeds(world, runner):
    await world.submit()
    await running(world)
    world.executor.end("nightly")
    job = await ended(world)
    assert job.state is JobState.SUCCEEDED
    assert job.attempt == 1
    assert job.start_time is not None
    assert job.resolved_inputs.class_count == 3
    assert job.verdict.outcome == "PASSED"
    assert job.expire_time == job.end_time + timedelta(days=90)
    assert (await world.jobs.result(NAME))[1].classes


async def test_a_job_that_fails_says_why(world, runner):
    await world.submit()
    await running(world)
    world.executor.end("nightly", InvalidData.at("data.label_column", "is missing"))
    job = await ended(world)
    assert (job.state, job.error.reason) == (JobState.FAILED, "INVALID_DATA")
    assert job.error.violations[0].field == "spec.data.label_column"


async def test_an_unexpected_error_tells_its_incident_alone(world, runner):
    await world.submit()
    await running(world)
    world.executor.end("nightly", RuntimeError("password=1"))
    job = await ended(world)
    assert job.error.reason == "INTERNAL"
    assert "password" not in job.error.message
    assert job.error.metadata["incident"] in job.error.message


async def test_gates_are_judged_at_the_end(world, runner):
    gate = Gate(id="g", subject="summary/none", comparison=Comparison.AT_LEAST, bound=0)
    await world.submit(specification=specification(gates=[gate]))
    await running(world)
    world.executor.end("nightly")
    assert (await ended(world)).verdict.outcome == "UNDETERMINED"


async def test_a_running_job_is_cancelled(world, runner):
    await world.submit()
    await running(world)
    assert (await world.jobs.cancel(NAME, "enough")).state is JobState.CANCELLING
    job = await ended(world)
    assert (job.state, job.error.message) == (JobState.CANCELLED, "enough")


async def test_a_job_that_runs_too_long_is_stopped(world, runner):
    limit = specification().model_copy(update={"max_run_duration": timedelta(seconds=5)})
    await world.submit(specification=limit)
    await running(world)
    world.clock.advance(6)
    job = await ended(world)
    assert (job.state, job.error.reason) == (JobState.FAILED, "RUN_TIMEOUT")


async def test_progress_reaches_the_store(world, runner):
    await world.submit()
    await until(lambda: world.store.get(NAME).progress.completed_units == 1)


async def test_no_more_jobs_run_at_once_than_allowed(world):
    runner = world.runner(concurrency=2)
    task = asyncio.create_task(runner.run())
    for job_id in ("a", "b", "c"):
        await world.submit(job_id)
    await until(lambda: len(world.executor.running) == 2)
    assert await world.state("c") == "PENDING"
    world.executor.end("a")
    await running(world, "c")
    runner.stop()
    await task


async def test_the_urgent_job_is_taken_first(world):
    await world.submit("ordinary")
    await world.submit("urgent", settings=Settings(priority=Priority.HIGH))
    runner = world.runner(concurrency=1)
    task = asyncio.create_task(runner.run())
    await until(lambda: world.executor.running)
    assert world.executor.running == ["urgent"]
    runner.stop()
    await task


async def test_a_job_goes_back_to_the_queue_when_the_runner_stops(world):
    runner = world.runner()
    task = asyncio.create_task(runner.run())
    await world.submit()
    await running(world)
    runner.stop()
    await task
    assert await world.state() == "PENDING"


async def test_a_result_that_cannot_be_written_fails_its_job_and_nothing_else(
    world, runner, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(world.artifacts, "write", full)
    await world.submit()
    await running(world)
    world.executor.end("nightly")
    assert (await ended(world)).error.reason == "INTERNAL"
    await world.submit("next")
    await running(world, "next")


async def test_the_life_of_a_job_is_told_in_events(world, runner):
    await world.submit()
    await running(world)
    world.executor.end("nightly")
    await ended(world)
    await until(lambda: any(isinstance(event, JobFinished) for event in world.events))
    kinds = [JobSubmitted, AttemptStarted, StageFinished, JobFinished]
    assert [type(event) for event in world.events] == kinds
    assert world.events[-1].state is JobState.SUCCEEDED


async def test_a_store_that_is_away_for_a_moment_costs_nothing(world, runner, monkeypatch):
    await world.submit()
    await running(world)
    renew, failures = world.store.renew, []

    def away(*given: object) -> object:
        if len(failures) < 3:
            failures.append(given)
            raise OSError("the database is locked")
        return renew(*given)

    monkeypatch.setattr(world.store, "renew", away)
    await until(lambda: len(failures) == 3)
    world.executor.end("nightly")
    assert (await ended(world)).state is JobState.SUCCEEDED


async def test_a_store_that_stays_away_stops_the_work(world, monkeypatch):
    def away(*_: object) -> None:
        raise OSError("the database is locked")

    monkeypatch.setattr(world.store, "renew", away)
    runner = world.runner(lease_seconds=0.1)
    task = asyncio.create_task(runner.run())
    await world.submit()
    await running(world)
    await until(lambda: not runner._running)
    assert await world.state() == "RUNNING"
    runner.stop()
    await task


async def test_a_job_that_is_handed_back_again_and_again_is_not_lost(world):
    await world.submit()
    for _ in range(7):
        runner = world.runner(max_attempts=2)
        task = asyncio.create_task(runner.run())
        await until(lambda: world.executor.running)
        runner.stop()
        await task
        world.executor.running.clear()
    assert await world.state() == "PENDING"
    assert (await world.jobs.get(NAME)).attempt == 0


async def test_analyses_leave_room_for_the_store(world):
    runner = world.runner(concurrency=40)
    task = asyncio.create_task(runner.run())
    for index in range(40):
        await world.submit(f"job-{index}")
    await until(lambda: len(world.executor.running) == 40)
    assert await world.state("job-39") == "RUNNING"
    runner.stop()
    await task


class Unwritten(dict):
    """Matrices that are still on the cluster when their job is told to stop."""

    def __init__(self, store, name):
        super().__init__()
        self._store, self._name = store, name

    def items(self):
        job = self._store.get(self._name)
        self._store.change(job.name, lambda each: each.to(JobState.CANCELLING, job.create_time))
        raise Cancelled("stopped on request")


async def test_a_job_that_is_cancelled_while_its_result_is_written_is_cancelled(world, runner):
    await world.submit()
    await running(world)
    world.executor.end("nightly", replace(analysis(), matrices=Unwritten(world.store, NAME)))
    assert (await ended(world)).state is JobState.CANCELLED


async def test_a_cancellation_that_comes_too_late_leaves_no_error(world, runner, monkeypatch):
    await world.submit()
    await running(world)
    write = world.artifacts.write

    def cancelled_once_written(*what) -> None:
        write(*what)
        error = JobError.of(Cancelled("too late"))
        now = world.clock.now()
        world.store.change(NAME, lambda job: job.to(JobState.CANCELLING, now, error=error))

    monkeypatch.setattr(world.artifacts, "write", cancelled_once_written)
    world.executor.end("nightly")
    job = await ended(world)
    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert [each.reason for each in world.events if isinstance(each, JobFinished)] == [""]


async def test_a_job_tells_which_version_ran_it_though_another_has_made_it(world, runner):
    await world.submit()
    await running(world)
    made = analysis()
    method = made.result.method.model_copy(update={"engine_version": "newer"})
    result = made.result.model_copy(update={"method": method})
    world.executor.end("nightly", replace(made, result=result))
    assert (await ended(world)).engine_version == "newer"
