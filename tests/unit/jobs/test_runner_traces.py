"""What traces say of an attempt."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from opentelemetry.trace import StatusCode

from interference_service.errors import InvalidData
from support.runner_waits import NAME, ended, running
from support.spans import SPAN_ID, TRACE_PARENT, Recording
from support.waiting import until


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
async def runner(world, recording: Recording) -> AsyncIterator[None]:
    """A runner at work, whose jobs' ends are told to the traces too."""
    world.emit = recording.traces.emit
    runner = world.runner(recording.traces)
    task = asyncio.create_task(runner.run())
    yield
    runner.stop()
    await task


async def attempt(world, recording: Recording):
    await until(lambda: any(each.name == "attempt" for each in recording.spans))
    return recording.named("attempt")


async def test_a_job_that_succeeds(world, runner, recording):
    await world.submit(trace_parent=TRACE_PARENT)
    await running(world)
    world.executor.end("nightly")
    span = await attempt(world, recording)
    assert f"{span.links[0].context.span_id:016x}" == SPAN_ID
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes) == {
        "interference.project": "default",
        "interference.job": NAME,
        "interference.attempt": 1,
        "interference.monitor": "solar",
        "interference.state": "SUCCEEDED",
    }
    assert recording.named("write").parent.span_id == span.context.span_id


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InvalidData.at("data.uris", "is empty"), "INVALID_DATA"),
        (ValueError("hunter2"), "INTERNAL"),
    ],
)
async def test_a_job_that_fails(world, runner, recording, error, reason):
    await world.submit()
    await running(world)
    world.executor.end("nightly", error)
    span = await attempt(world, recording)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, reason)
    assert "hunter2" not in span.to_json()


async def test_a_job_that_is_cancelled_is_no_error(world, runner, recording):
    await world.submit()
    await running(world)
    await world.jobs.cancel(NAME, "no longer wanted")
    await ended(world)
    span = await attempt(world, recording)
    assert span.attributes["interference.state"] == "CANCELLED"
    assert span.status.status_code is StatusCode.UNSET


async def test_an_attempt_that_lost_its_lease_is_an_error(world, runner, recording):
    await world.submit()
    await running(world)
    # Its runner may just have prolonged the lease.
    while world.store.claim("another", timedelta(hours=1)) is None:
        world.clock.advance(60)
    span = await attempt(world, recording)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "lease_lost")
