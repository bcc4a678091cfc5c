"""The holder of a job stops before anybody else may begin, and waits for a store that comes back."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from structlog.testing import capture_logs

from interference_service.domain.job import JobState
from interference_service.errors import LeaseLost, StoreUnavailable
from interference_service.jobs.leases import Attempt, Leases
from support.runner_waits import ended, running
from support.waiting import until

AWAY = StoreUnavailable("the database of the jobs cannot be reached or is busy; try again")


@pytest.fixture
def leases(world) -> Leases:
    return Leases(world.store, world.clock, world.notices, lease_seconds=1.0, beat_seconds=0.01)


async def claimed(world, leases: Leases) -> Attempt:
    await world.submit()
    attempt = await leases.claim("owner")
    assert attempt is not None
    return attempt


async def test_a_store_that_does_not_answer_costs_the_lease_before_it_ends(world, monkeypatch):
    leases = Leases(world.store, world.clock, world.notices, lease_seconds=3.0, beat_seconds=0.01)
    begin = asyncio.get_running_loop().time()
    attempt, answer = await claimed(world, leases), threading.Event()
    monkeypatch.setattr(world.store, "renew", lambda *_: answer.wait(20))
    try:
        with pytest.raises(LeaseLost, match="was away"):
            await leases.keep(attempt, asyncio.Event())
        assert 2.0 < asyncio.get_running_loop().time() - begin < 3.0
    finally:
        answer.set()


async def test_a_lease_counts_from_before_it_was_asked_for(world, leases, monkeypatch):
    loop, claim, asked, answer = (
        asyncio.get_running_loop(),
        world.store.claim,
        [],
        threading.Event(),
    )

    def slow(*given: object) -> object:
        asked.append(loop.time())
        assert answer.wait(20)
        return claim(*given)

    monkeypatch.setattr(world.store, "claim", slow)
    await world.submit()
    waiting = asyncio.create_task(leases.claim("owner"))
    await until(lambda: asked)
    answer.set()
    attempt = await waiting
    assert attempt is not None
    assert attempt.trusted_until - 0.8 <= asked[0]


async def test_a_holder_that_slept_keeps_a_job_that_nobody_took(world, leases):
    attempt = await claimed(world, leases)
    attempt.trusted_until = asyncio.get_running_loop().time() - 5
    keeping = asyncio.create_task(leases.keep(attempt, asyncio.Event()))
    await until(lambda: attempt.trusted_until > asyncio.get_running_loop().time())
    assert not keeping.done()
    keeping.cancel()


async def test_a_holder_that_slept_stops_where_another_took_the_job(world, leases):
    attempt = await claimed(world, leases)
    world.clock.advance(60)
    assert await leases.claim("another")
    with pytest.raises(LeaseLost, match="another worker"):
        await leases.keep(attempt, asyncio.Event())


async def test_a_lease_is_kept_while_everything_else_hangs(world):
    leases = Leases(world.store, world.clock, world.notices, lease_seconds=1.0, beat_seconds=0.01)
    loop, let_go = asyncio.get_running_loop(), threading.Event()
    await world.submit()
    loop.set_default_executor(ThreadPoolExecutor(1))
    hanging = loop.run_in_executor(None, let_go.wait)
    try:
        attempt = await leases.claim("owner")
        assert attempt is not None
        first = attempt.trusted_until
        keeping = asyncio.create_task(leases.keep(attempt, asyncio.Event()))
        await until(lambda: attempt.trusted_until > first)
        keeping.cancel()
        done = await leases.change(attempt, lambda job: job.to(JobState.FAILED, world.clock.now()))
        assert done.state is JobState.FAILED
    finally:
        let_go.set()
    await hanging


async def test_what_the_store_logs_says_for_which_job(world, leases, monkeypatch):
    attempt, bound = await claimed(world, leases), []
    change = world.store.change

    def noted(*given: object, **named: object) -> object:
        bound.append(structlog.contextvars.get_contextvars())
        return change(*given, **named)

    monkeypatch.setattr(world.store, "change", noted)
    with structlog.contextvars.bound_contextvars(job=attempt.job.name):
        await leases.change(attempt, lambda job: job)
    assert bound[0]["job"] == attempt.job.name


async def test_a_short_lease_is_prolonged_more_often(world):
    leases = Leases(world.store, world.clock, world.notices, lease_seconds=1.0, beat_seconds=60.0)
    attempt = await claimed(world, leases)
    first = attempt.trusted_until
    keeping = asyncio.create_task(leases.keep(attempt, asyncio.Event()))
    await until(lambda: attempt.trusted_until > first + 0.6)
    keeping.cancel()


async def test_an_end_waits_for_a_store_that_comes_back(world, runner, monkeypatch):
    await world.submit()
    await running(world)
    change, tries = world.store.change, []

    def away_twice(*given: object, **named: object) -> object:
        tries.append(given)
        if len(tries) <= 2:
            raise AWAY
        return change(*given, **named)

    monkeypatch.setattr(world.store, "change", away_twice)
    world.executor.end("nightly")
    job = await ended(world)
    assert (job.state, job.attempt, len(tries)) == (JobState.SUCCEEDED, 1, 3)
    assert len(world.executor.running) == 1


async def test_a_change_is_given_up_with_the_lease(world, leases, monkeypatch):
    attempt = await claimed(world, leases)

    def away(*_: object, **__: object) -> None:
        raise AWAY

    monkeypatch.setattr(world.store, "change", away)
    with pytest.raises(StoreUnavailable):
        await leases.change(attempt, lambda current: current)
    assert asyncio.get_running_loop().time() >= attempt.trusted_until


async def test_a_queue_outlives_a_store_that_is_away(world, monkeypatch):
    claim, tries = world.store.claim, []

    def away_once(*given: object) -> object:
        tries.append(given)
        if len(tries) == 1:
            raise AWAY
        return claim(*given)

    monkeypatch.setattr(world.store, "claim", away_once)
    await world.submit()
    runner = world.runner()
    with capture_logs() as logs:
        task = asyncio.create_task(runner.run())
        await running(world)
    assert "claim_failed" not in {each["event"] for each in logs}  # The store has told it.
    runner.stop()
    await task
