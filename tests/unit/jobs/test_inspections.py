"""A store that hangs holds up those who submit to it, and nobody else."""

import asyncio
import gc
import threading
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from interference.v1 import analysis_service_pb2 as wire
from interference_service.errors import Draining, Overloaded
from interference_service.jobs.inspections import Inspections
from interference_service.references.checker import LOOKS_AT_A_STORE, StoreReferenceChecker
from interference_service.references.stores import Stores
from interference_service.rpc.convert_specification import specification_to_wire
from support.jobs import specification
from support.rpc_fakes import FakeJobs, details_of, refused, served
from support.waiting import until

LARGE = {"long": "x" * 5000}
"""Annotations of a request that is not an ordinary one."""


class HangingStores(Stores):
    """Whose store of models never answers, until the test lets go."""

    def __init__(self) -> None:
        super().__init__({})
        self.let_go = threading.Event()
        self.asked = 0

    def check(self, uri, field):
        if uri.startswith("models:"):
            self.asked += 1
            assert self.let_go.wait(60)


@pytest.fixture
def stores(world):
    hanging = HangingStores()
    world.checker.check = StoreReferenceChecker(hanging).check
    yield hanging
    hanging.let_go.set()


def elsewhere():
    """A specification that names another store."""
    spec = specification()
    return spec.model_copy(update={"model": spec.model.model_copy(update={"uri": "data://m.pt2"})})


@dataclass
class RealJobs(FakeJobs):
    """The use cases themselves."""

    world: Any = None

    async def submit(self, submission):
        return await self.world.jobs.submit(submission)

    async def get(self, name):
        return await self.world.jobs.get(name)


def create(job_id: str, spec=None, **annotations: str) -> wire.CreateAnalysisJobRequest:
    request = wire.CreateAnalysisJobRequest(parent="projects/default", analysis_job_id=job_id)
    request.analysis_job.spec.CopyFrom(specification_to_wire(spec or specification()))
    request.analysis_job.annotations.update(annotations)
    return request


async def test_over_rpc_a_hanging_store_keeps_nobody_from_the_jobs_of_others(world, stores):
    async with served(RealJobs(world=world)) as rpc, asyncio.timeout(40):
        calls = [
            asyncio.ensure_future(refused(rpc.stub.CreateAnalysisJob(create(f"job-{i}", **LARGE))))
            for i in range(LOOKS_AT_A_STORE + 20)
        ]
        # Those that find no place are told at once.
        await until(lambda: sum(call.done() for call in calls) == 20)
        assert stores.asked == LOOKS_AT_A_STORE
        error = next(call.result() for call in calls if call.done())
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert details_of(error)["ErrorInfo"].reason == "OVERLOADED"
        assert details_of(error)["RetryInfo"].retry_delay.ToTimedelta().total_seconds() == 1
        for annotations in ({}, LARGE):
            job_id = f"elsewhere-{len(annotations)}"
            job = await rpc.stub.CreateAnalysisJob(create(job_id, elsewhere(), **annotations))
            read = await rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=job.name))
            assert read.name == job.name
        for call in calls:
            call.cancel()


async def test_over_rpc_a_store_that_does_not_answer_in_time_is_given_up(world, stores):
    impatient = type(world)(check_seconds=0.05)
    impatient.checker.check = world.checker.check
    async with served(RealJobs(world=impatient)) as rpc:
        error = await refused(rpc.stub.CreateAnalysisJob(create("nightly")))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert details_of(error)["ErrorInfo"].reason == "CALL_TIMEOUT"
    assert "nothing was made" in error.details()


async def test_what_was_given_up_counts_until_it_has_ended(world, stores):
    submitting = [asyncio.create_task(world.submit(f"job-{i}")) for i in range(LOOKS_AT_A_STORE)]
    await until(lambda: stores.asked == LOOKS_AT_A_STORE)
    for each in submitting:
        each.cancel()
    await asyncio.wait(submitting)
    with pytest.raises(Overloaded):
        await world.submit()
    stores.let_go.set()
    await until(lambda: not world.jobs._checks._running)
    assert await world.submit()


async def test_no_more_are_looked_at_than_may_be(world, stores):
    checks = Inspections(world.checker.check, 2)
    looks = [asyncio.create_task(checks.of(specification())) for _ in range(2)]
    await until(lambda: stores.asked == 2)
    with pytest.raises(Overloaded):
        await checks.of(elsewhere())
    stores.let_go.set()
    await asyncio.gather(*looks)


async def test_a_server_that_goes_down_ends_its_checks(world):
    class Patient:
        def check(self, specification, cancellation):
            begun.set()
            assert cancellation.wait(60)
            raise Draining("as the checker would")

    begun = threading.Event()
    world.checker.check = Patient().check
    submitting = asyncio.create_task(world.submit())
    await until(begun.is_set)
    world.jobs.drain()
    with pytest.raises(Draining):
        await submitting


async def test_over_rpc_a_server_that_goes_down_says_when_to_come_again(world):
    world.jobs.drain()
    async with served(RealJobs(world=world)) as rpc:
        error = await refused(rpc.stub.CreateAnalysisJob(create("nightly")))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    found = details_of(error)
    assert found["ErrorInfo"].reason == "DRAINING"
    assert found["RetryInfo"].retry_delay.ToTimedelta().total_seconds() == 1


async def test_a_trial_whose_caller_is_gone_ends_without_a_word(world):
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    world.preflight.end = None
    trial = asyncio.create_task(Inspections(world.preflight.check, 1).of(specification()))
    await until(lambda: world.preflight.running)

    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    await until(lambda: not world.preflight.running)
    await asyncio.to_thread(lambda: None)
    del trial
    gc.collect()
    assert told == []
