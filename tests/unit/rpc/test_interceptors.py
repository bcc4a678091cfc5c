"""What surrounds a call, seen from the other end of a socket."""

import asyncio

import grpc
import pytest
import structlog

from interference.v1 import analysis_service_pb2 as wire
from interference_service.domain.access import Principal, Role
from interference_service.errors import Draining, InternalError, LeaseLost, ServiceError
from interference_service.jobs.watching import WatchEvent
from interference_service.rpc.interceptors import RequestInterceptor
from support.domain_examples import NAME, NOW, pending_job, plain_specification
from support.rpc_fakes import FakeJobs, details_of, ignore, refused, served

SERVICE = "/interference.v1.AnalysisService"
SECRET = "password=hunter2"


@pytest.fixture(autouse=True)
def log():
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as lines:
        yield lines


def watching_jobs(**changes) -> FakeJobs:
    return FakeJobs(known={NAME: pending_job()}, endless=True, **changes)


async def trailing(call) -> dict[str, str]:
    return dict(await call.trailing_metadata())


async def test_a_well_formed_request_id_comes_back():
    async with served(FakeJobs()) as rpc:
        call = rpc.stub.GetServerInfo(
            wire.GetServerInfoRequest(), metadata=(("x-request-id", "run-7.retry_2"),)
        )
        await call
        assert (await trailing(call))["x-request-id"] == "run-7.retry_2"


@pytest.mark.parametrize(
    "sent", [(), ("with space",), ("x" * 65,), ("",), ("one", "two")], ids=repr
)
async def test_another_request_id_is_replaced(sent):
    async with served(FakeJobs()) as rpc:
        metadata = tuple(("x-request-id", each) for each in sent)
        call = rpc.stub.GetServerInfo(wire.GetServerInfoRequest(), metadata=metadata)
        await call
        assert len((await trailing(call))["x-request-id"]) == 36


async def test_an_error_carries_the_request_id_and_no_initial_metadata():
    async with served(FakeJobs(raises=Draining("going down"))) as rpc:
        call = rpc.stub.GetAnalysisJob(
            wire.GetAnalysisJobRequest(name=NAME), metadata=(("x-request-id", "mine"),)
        )
        error = await refused(call)
    assert dict(error.trailing_metadata())["x-request-id"] == "mine"
    assert not error.initial_metadata()


async def test_a_client_may_retry_a_call_that_the_server_refuses_for_now(log):
    refusing = FakeJobs(known={NAME: pending_job()}, raises=Draining("going down"))
    config = (
        '{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, '
        '"initialBackoff": "0.01s", "maxBackoff": "0.01s", "backoffMultiplier": 1, '
        '"retryableStatusCodes": ["UNAVAILABLE"]}}]}'
    )
    async with served(refusing) as rpc:
        address = f"127.0.0.1:{rpc.server.port}"
        options = (("grpc.service_config", config),)
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            get = channel.unary_unary(
                f"{SERVICE}/GetAnalysisJob",
                request_serializer=wire.GetAnalysisJobRequest.SerializeToString,
            )
            await refused(get(wire.GetAnalysisJobRequest(name=NAME)))
    assert len(refusing.asked) == 3


async def test_a_call_is_logged_and_observed_once(log):
    async with served(FakeJobs()) as rpc:
        await rpc.stub.GetServerInfo(
            wire.GetServerInfoRequest(), metadata=(("x-request-id", "mine"),)
        )
        method, kind, code, seconds = await rpc.observed.get()
        assert rpc.observed.empty()
        assert rpc.begun == [(method, kind)]
    assert (method, kind, code) == (f"{SERVICE}/GetServerInfo", "unary", "OK")
    assert seconds > 0
    (line,) = [each for each in log if each["event"] == "call finished"]
    assert (line["method"], line["code"]) == (method, "OK")
    assert (line["request_id"], line["principal"]) == ("mine", "anonymous")


@pytest.mark.parametrize("method", ["GetAnalysisJob", "WatchAnalysisJob"])
@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        KeyError(SECRET),
        InternalError(SECRET),
        LeaseLost(SECRET),
        ServiceError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_unexpected_error_is_told_by_its_incident_id_alone(method, error, log):
    async with served(FakeJobs(raises=error)) as rpc:
        request = getattr(wire, f"{method}Request")(name=NAME)
        failed = await refused(getattr(rpc.stub, method)(request))
        observed = await rpc.observed.get()

    assert failed.code() is grpc.StatusCode.INTERNAL
    assert SECRET not in f"{failed.details()} {failed.trailing_metadata()} {details_of(failed)}"
    (line,) = [each for each in log if each["event"] == "unexpected error"]
    assert line["exc_info"] is error
    assert line["incident"] in failed.details()
    info = details_of(failed)["ErrorInfo"]
    assert (info.reason, dict(info.metadata)) == ("INTERNAL", {"incident": line["incident"]})
    assert observed[2] == "INTERNAL"


async def test_an_unexpected_error_in_the_middle_of_a_stream_is_told_by_its_incident_id_alone(log):
    def events():
        yield WatchEvent("t1", NOW, pending_job())
        raise ValueError(SECRET)

    async with served(FakeJobs(events=events())) as rpc:
        call = rpc.stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=NAME))
        assert (await call.read()).resume_token == "t1"
        failed = await refused(call)
    (line,) = [each for each in log if each["event"] == "unexpected error"]
    assert failed.code() is grpc.StatusCode.INTERNAL
    assert SECRET not in f"{failed.details()} {failed.trailing_metadata()} {details_of(failed)}"
    assert details_of(failed)["ErrorInfo"].metadata["incident"] == line["incident"]


@pytest.mark.parametrize(
    ("method", "kind"), [("GetAnalysisJob", "unary"), ("WatchAnalysisJob", "server_stream")]
)
@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\x02\xc3\x28"], ids=["garbage", "utf-8"])
async def test_bytes_that_are_no_request_are_an_invalid_argument(method, kind, body):
    async with served(FakeJobs()) as rpc:
        open_call = (rpc.channel.unary_unary if kind == "unary" else rpc.channel.unary_stream)(
            f"{SERVICE}/{method}"
        )
        error = await refused(open_call(body))
        observed = await rpc.observed.get()
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details_of(error)["ErrorInfo"].reason == "MALFORMED_REQUEST"
    assert observed[:3] == (f"{SERVICE}/{method}", kind, "INVALID_ARGUMENT")


async def test_a_method_that_does_not_exist_is_not_implemented():
    async with served(FakeJobs()) as rpc:
        error = await refused(rpc.channel.unary_unary(f"{SERVICE}/Nothing")(b""))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


class Gatekeeper:
    """Knows one password."""

    async def authenticate(self, shown):
        if shown.authorization != ("let me in",):
            raise Draining("nobody is let in without the password")
        return Principal("alice", {"solar": Role.WRITER})


async def test_the_principal_of_the_authenticator_makes_the_job():
    async with served(FakeJobs(), authenticator=Gatekeeper()) as rpc:
        request = wire.CreateAnalysisJobRequest(
            parent="projects/solar",
            analysis_job={"spec": plain_specification().model_dump()},
        )
        job = await rpc.stub.CreateAnalysisJob(request, metadata=(("authorization", "let me in"),))
    assert job.creator == "alice"


@pytest.mark.parametrize("method", ["GetAnalysisJob", "WatchAnalysisJob"])
async def test_a_caller_who_is_refused_reaches_neither_decoder_nor_service(method):
    jobs = FakeJobs()
    async with served(jobs, authenticator=Gatekeeper()) as rpc:
        streams = method.startswith("Watch")
        opened = rpc.channel.unary_stream if streams else rpc.channel.unary_unary
        error = await refused(opened(f"{SERVICE}/{method}")(b"\xff\xff\xff"))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert jobs.asked == []


async def test_a_watch_that_is_cancelled_is_left_at_once_and_observed_as_cancelled(log):
    jobs = watching_jobs()
    async with served(jobs) as rpc:
        call = rpc.stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=NAME))
        await jobs.watch_entered.wait()
        call.cancel()
        await jobs.watch_left.wait()
        observed = await rpc.observed.get()
    assert observed[1:3] == ("server_stream", "CANCELLED")


async def test_a_watch_that_outlives_its_deadline_is_observed_as_such():
    jobs = watching_jobs()
    async with served(jobs) as rpc:
        call = rpc.stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=NAME), timeout=0.3)
        error = await refused(call)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await jobs.watch_left.wait()
        observed = await rpc.observed.get()
    assert observed[2] == "DEADLINE_EXCEEDED"


def test_an_interceptor_leaves_a_method_that_nobody_serves_alone():
    class Call:
        method, invocation_metadata = "/x/y", ()

    async def nobody(_):
        return None

    interceptor = RequestInterceptor(ignore)
    assert asyncio.run(interceptor.intercept_service(nobody, Call())) is None
