"""Large requests, few of which are decoded and converted at once, over real sockets."""

import asyncio
import threading
from dataclasses import dataclass, field

import pytest

from interference.v1 import analysis_service_pb2 as wire
from interference_service.jobs.watching import WatchEvent
from interference_service.rpc import analysis_servicer
from interference_service.rpc.convert_requests import submission_from_wire
from support.domain_examples import NAME, NOW, pending_job, plain_specification
from support.rpc_fakes import FakeJobs, served
from support.waiting import until


class Conversion:
    """Holds submissions up while they are converted, until the test lets go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.begun: list[object] = []

    def __call__(self, request, *others):
        self.begun.append(request)
        assert self.let_go.wait(30)
        return submission_from_wire(request, *others)


@pytest.fixture
def conversion(monkeypatch):
    held = Conversion()
    monkeypatch.setattr(analysis_servicer, "submission_from_wire", held)
    yield held
    held.let_go.set()


def large_submission() -> wire.CreateAnalysisJobRequest:
    return wire.CreateAnalysisJobRequest(
        parent="projects/solar",
        analysis_job={
            "spec": plain_specification().model_dump(),
            "annotations": {"long": "x" * 5000},
        },
    )


async def test_few_large_requests_are_converted_at_once_and_small_ones_wait_for_none(conversion):
    jobs = FakeJobs(
        known={NAME: pending_job()}, events=[WatchEvent("token", NOW, pending_job())], endless=True
    )
    large_watch = wire.WatchAnalysisJobRequest(name=NAME, resume_token="x" * 5000)
    async with served(jobs) as rpc:
        creating = [
            asyncio.ensure_future(rpc.stub.CreateAnalysisJob(large_submission())) for _ in range(20)
        ]
        await until(lambda: len(conversion.begun) >= 4)
        watch = rpc.stub.WatchAnalysisJob(large_watch)
        first = asyncio.ensure_future(watch.read())
        for _ in range(3):
            assert (await rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME))).name
        assert len(conversion.begun) == 4
        # A stream waits for its turn as well.
        assert not jobs.watch_entered.is_set()
        conversion.let_go.set()
        assert len(await asyncio.gather(*creating)) == 20
        assert (await first).resume_token == "token"


async def test_a_large_request_holds_up_no_other_once_it_is_converted():
    @dataclass
    class Waiting(FakeJobs):
        go_on: asyncio.Event = field(default_factory=asyncio.Event)

        async def submit(self, submission):
            made = await super().submit(submission)
            await self.go_on.wait()
            return made

    jobs = Waiting()
    async with served(jobs) as rpc:
        creating = [
            asyncio.ensure_future(rpc.stub.CreateAnalysisJob(large_submission())) for _ in range(20)
        ]
        await until(lambda: len(jobs.asked) == 20)
        jobs.go_on.set()
        assert len(await asyncio.gather(*creating)) == 20


async def test_a_large_request_of_a_stream_counts_until_the_stream_begins():
    jobs = FakeJobs(events=[WatchEvent("token", NOW, pending_job())], endless=True)
    request = wire.WatchAnalysisJobRequest(name=NAME, resume_token="x" * 5000)
    async with served(jobs) as rpc, asyncio.timeout(20):
        watches = [rpc.stub.WatchAnalysisJob(request) for _ in range(10)]
        for each in watches:
            assert (await each.read()).resume_token == "token"
