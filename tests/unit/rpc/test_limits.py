"""What a call may cost the server, seen from the other end of a socket."""

import asyncio
import gc
import weakref
from dataclasses import dataclass, field

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from interference.v1 import analysis_service_pb2 as wire
from interference_service.domain.access import Refusal
from interference_service.domain.job import Settings
from interference_service.errors import Draining
from interference_service.jobs.watching import WatchEvent
from interference_service.rpc.authentication import ANONYMOUS
from interference_service.rpc.handlers import Context
from interference_service.rpc.limits import CREATE, CallLimits, LimitInterceptor
from interference_service.security.refusals import unauthenticated
from support.domain_examples import NAME, NOW, pending_job, plain_specification
from support.rpc_fakes import FakeJobs, details_of, ignore, refused, served
from support.waiting import until

GET = "/interference.v1.AnalysisService/GetAnalysisJob"
WATCH = "/interference.v1.AnalysisService/WatchAnalysisJob"
MESSAGES = 1000
LARGE = WatchEvent("token", NOW, pending_job(settings=Settings(annotations={"note": "x" * 16_000})))
"""Together more than the transport takes in before somebody reads."""


@dataclass
class SlowJobs(FakeJobs):
    """Answers once the test says so."""

    answer: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, name):
        self.entered.set()
        await self.answer.wait()
        return await super().get(name)

    async def submit(self, submission):
        await self.answer.wait()
        return await super().submit(submission)


async def test_a_call_that_takes_too_long_ends_by_itself():
    async with served(SlowJobs(), limits=CallLimits(unary_seconds=0.05)) as rpc:
        error = await refused(rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME)))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert details_of(error)["ErrorInfo"].reason == "CALL_TIMEOUT"
        assert (await rpc.observed.get())[2] == "DEADLINE_EXCEEDED"


async def test_more_calls_than_are_served_at_once_are_told_to_come_again():
    jobs = SlowJobs()
    get = wire.GetAnalysisJobRequest(name=NAME)
    async with served(jobs, limits=CallLimits(unary_at_once=1)) as rpc:
        first = asyncio.ensure_future(rpc.stub.GetAnalysisJob(get))
        await jobs.entered.wait()
        error = await refused(rpc.stub.GetServerInfo(wire.GetServerInfoRequest()))
        health = health_pb2_grpc.HealthStub(rpc.channel)
        assert (await health.Check(health_pb2.HealthCheckRequest())).status
        jobs.answer.set()
        await asyncio.wait({first})
        await rpc.stub.GetServerInfo(wire.GetServerInfoRequest())
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    found = details_of(error)
    assert found["ErrorInfo"].reason == "OVERLOADED"
    assert found["RetryInfo"].retry_delay.ToTimedelta().total_seconds() == 1


async def test_a_method_may_be_allowed_more_time_than_others():
    jobs = SlowJobs()
    limits = CallLimits(unary_seconds=0.05, longer={CREATE: 60})
    async with served(jobs, limits=limits) as rpc:
        request = wire.CreateAnalysisJobRequest(
            parent="projects/solar", analysis_job={"spec": plain_specification().model_dump()}
        )
        creating = asyncio.ensure_future(rpc.stub.CreateAnalysisJob(request))
        await refused(rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME)))
        jobs.answer.set()
        assert (await creating).name


async def test_a_timeout_within_a_call_is_not_taken_for_its_own():
    async with served(FakeJobs(raises=TimeoutError("of a socket"))) as rpc:
        error = await refused(rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME)))
    assert error.code() is grpc.StatusCode.INTERNAL


class Expired:
    """A context whose deadline is over."""

    def time_remaining(self):
        return 0


async def test_a_call_whose_deadline_is_over_does_not_begin():
    begun = []

    async def behaviour(request: object, context: Context) -> None:
        begun.append(request)

    async def handler_of(_):
        return grpc.unary_unary_rpc_method_handler(behaviour)

    class Call:
        method, invocation_metadata = GET, ()

    interceptor = LimitInterceptor(CallLimits())
    handler = await interceptor.intercept_service(handler_of, Call())
    with pytest.raises(Exception, match="over before the call began"):
        await handler.unary_unary("request", Expired())
    assert begun == []


async def test_an_interceptor_leaves_a_method_that_nobody_serves_alone():
    class Call:
        method, invocation_metadata = "/x/y", ()

    async def nobody(_):
        return None

    assert await LimitInterceptor(CallLimits()).intercept_service(nobody, Call()) is None


async def read_on(call, read):
    while (response := await call.read()) is not grpc.aio.EOF:
        read.append(response)


async def test_a_stream_that_nobody_reads_is_given_up_and_told_to_who_comes_back():
    stuck: asyncio.Queue[str] = asyncio.Queue()
    jobs = FakeJobs(events=[LARGE] * MESSAGES)
    limits = CallLimits(write_seconds=0.3, stuck=stuck.put_nowait)
    async with served(jobs, limits=limits) as rpc:
        call = rpc.stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=NAME))
        await call.read()
        assert await stuck.get() == WATCH
        await jobs.watch_left.wait()
        # The call itself ends too, although its status waits behind what nobody reads.
        assert (await rpc.observed.get())[2] == "UNAVAILABLE"

        read = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await read_on(call, read)
    assert len(read) < MESSAGES
    assert details_of(caught.value)["ErrorInfo"].reason == "SLOW_READER"


async def test_a_stream_that_is_read_is_left_alone():
    jobs = FakeJobs(events=[LARGE] * MESSAGES)
    async with served(jobs, limits=CallLimits(write_seconds=30, stuck=ignore)) as rpc:
        call = rpc.stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=NAME))
        assert len([each async for each in call]) == MESSAGES


class Hesitant:
    """An authenticator that takes its time over strangers."""

    def __init__(self) -> None:
        self.waiting = 0
        self.decided = asyncio.Event()

    async def authenticate(self, shown):
        if not shown.authorization:
            self.waiting += 1
            await self.decided.wait()
            raise unauthenticated(Refusal.UNKNOWN_CREDENTIALS)
        return ANONYMOUS


async def test_strangers_take_no_place_of_those_who_are_known():
    gate = Hesitant()
    get = wire.GetAnalysisJobRequest(name=NAME)
    jobs = FakeJobs(known={NAME: pending_job()})
    async with served(jobs, authenticator=gate, limits=CallLimits(unary_at_once=2)) as rpc:
        strangers = [asyncio.ensure_future(refused(rpc.stub.GetAnalysisJob(get))) for _ in range(9)]
        await until(lambda: gate.waiting == 9)
        assert (await rpc.stub.GetAnalysisJob(get, metadata=(("authorization", "known"),))).name
        gate.decided.set()
        codes = {error.code() for error in await asyncio.gather(*strangers)}
    assert codes == {grpc.StatusCode.UNAUTHENTICATED}


class Heavy:
    """What a request is in memory."""


class Refusing(FakeJobs):
    """Refuses for a cause deep within, where something large is at hand."""

    async def get(self, name):
        try:
            self._look()
        except KeyError as error:
            raise Draining("going down") from error

    def _look(self):
        heavy = Heavy()
        self.left = weakref.ref(heavy)
        raise KeyError(str(heavy))


@pytest.fixture
def no_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_nothing_of_a_refused_call_stays_in_memory(no_collection):
    jobs = Refusing()
    async with served(jobs) as rpc:
        await refused(rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME)))
        await rpc.observed.get()
        assert jobs.left() is None


def aborted() -> list[grpc.aio.AbortError]:
    """The errors in memory that ended a call, of this process's earlier tests included."""
    # Of other libraries' objects isinstance would ask for their class, and some warn of that.
    return [each for each in gc.get_objects() if type(each) is grpc.aio.AbortError]


@pytest.mark.parametrize("method", ["GetAnalysisJob", "WatchAnalysisJob"])
async def test_nor_does_the_error_that_ends_it_which_holds_the_bytes_of_the_request(
    no_collection, method
):
    earlier = aborted()
    async with served(FakeJobs(raises=Draining("going down"))) as rpc:
        request = getattr(wire, f"{method}Request")(name=NAME)
        await refused(getattr(rpc.stub, method)(request))
        await rpc.stub.GetServerInfo(wire.GetServerInfoRequest())  # gRPC holds the last call
        await until(lambda: all(any(one is each for one in earlier) for each in aborted()))
