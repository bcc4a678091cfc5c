"""The span of a call, seen from the other end of a socket."""

import asyncio

import grpc
import pytest
from opentelemetry.trace import StatusCode, format_trace_id

from interference.v1 import analysis_service_pb2 as wire
from interference_service.errors import (
    Draining,
    EtagMismatch,
    InvalidRequest,
    NotFound,
    Overloaded,
    ServiceError,
)
from interference_service.rpc.authorisation import tell
from interference_service.rpc.convert_specification import specification_to_wire
from interference_service.rpc.interceptors import SERVER_ERRORS
from interference_service.rpc.status import STATUS_CODES
from support.domain_examples import NAME, pending_job, plain_specification
from support.rpc_fakes import FakeJobs, refused, served
from support.spans import SPAN_ID, TRACE_ID, TRACE_PARENT, Recording

SERVICE = "interference.v1.AnalysisService"


@pytest.fixture
def recording() -> Recording:
    return Recording()


def submission_request() -> wire.CreateAnalysisJobRequest:
    request = wire.CreateAnalysisJobRequest(parent="projects/solar")
    request.analysis_job.spec.CopyFrom(specification_to_wire(plain_specification()))
    return request


async def test_the_span_of_a_call_says_who_asked_for_what(recording):
    jobs = FakeJobs(known={NAME: pending_job()})
    async with served(jobs, tracer=recording.traces) as rpc:
        await rpc.stub.GetAnalysisJob(
            wire.GetAnalysisJobRequest(name=NAME),
            metadata=(("traceparent", TRACE_PARENT), ("x-request-id", "run-7")),
        )
        await rpc.observed.get()
    span = recording.named(f"{SERVICE}/GetAnalysisJob")
    assert format_trace_id(span.context.trace_id) == TRACE_ID
    assert f"{span.parent.span_id:016x}" == SPAN_ID
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes) == {
        "rpc.system": "grpc",
        "rpc.service": SERVICE,
        "rpc.method": "GetAnalysisJob",
        "rpc.grpc.status_code": 0,
        "interference.request_id": "run-7",
        "interference.project": NAME.split("/")[1],
        "interference.job": NAME,
    }


@pytest.mark.parametrize(
    "error",
    [
        NotFound("not there"),
        InvalidRequest.field("name", "does not fit"),
        EtagMismatch("changed"),
        Overloaded("busy"),
        Draining("going down"),
        ServiceError("password=hunter2"),
        ValueError("password=hunter2"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_has_its_code_and_is_the_servers_only_if_it_is(recording, error):
    async with served(FakeJobs(raises=error), tracer=recording.traces) as rpc:
        failed = await refused(rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME)))
        await rpc.observed.get()
    (span,) = recording.spans
    assert span.attributes["rpc.grpc.status_code"] == failed.code().value[0] > 0
    of_the_server = failed.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}
    assert (span.status.status_code is StatusCode.ERROR) == of_the_server
    assert "hunter2" not in span.to_json()


def test_every_code_of_ours_is_the_callers_or_the_servers():
    ours = {code.name for code in STATUS_CODES.values() if code in SERVER_ERRORS}
    assert ours == {"UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL"}


async def test_a_watch_that_is_given_up_is_no_error(recording):
    jobs = FakeJobs(known={NAME: pending_job()}, endless=True)
    async with served(jobs, tracer=recording.traces) as rpc:
        call = rpc.stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=NAME))
        async with asyncio.timeout(20):
            await jobs.watch_entered.wait()
            call.cancel()
            await rpc.observed.get()
    span = recording.named(f"{SERVICE}/WatchAnalysisJob")
    assert span.attributes["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]
    assert span.status.status_code is StatusCode.UNSET


async def test_a_submission_is_told_what_it_belongs_to(recording):
    jobs = FakeJobs()
    async with served(jobs, tracer=recording.traces) as rpc:
        await rpc.stub.CreateAnalysisJob(submission_request())
        await rpc.observed.get()
    (span,) = recording.spans
    (submission,) = jobs.asked
    context = span.context
    assert submission.trace_parent.split("-")[1:3] == [
        f"{context.trace_id:032x}",
        f"{context.span_id:016x}",
    ]
    assert span.attributes["interference.project"] == "solar"


async def test_an_untraced_submission_belongs_to_nothing():
    jobs = FakeJobs()
    async with served(jobs) as rpc:
        await rpc.stub.CreateAnalysisJob(submission_request())
    assert jobs.asked[0].trace_parent is None


async def test_the_span_of_a_submission_names_the_job_that_it_made(recording):
    async with served(FakeJobs(), tracer=recording.traces) as rpc:
        job = await rpc.stub.CreateAnalysisJob(submission_request())
        await rpc.observed.get()
    (span,) = recording.spans
    assert span.attributes["interference.job"] == job.name


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        ("projects/p", {"interference.project": "p"}),
        (NAME, {"interference.project": NAME.split("/")[1], "interference.job": NAME}),
    ],
)
def test_what_a_call_is_about_is_its_project_and_its_job(recording, resource, named):
    with recording.traces.serve(f"/{SERVICE}/GetAnalysisJob", ()):
        tell(resource, recording.traces)
    (span,) = recording.spans
    assert {key: value for key, value in span.attributes.items() if key in named} == named
    assert ("interference.job" in span.attributes) == ("interference.job" in named)


async def test_methods_that_callers_make_up_are_one(recording):
    async with served(FakeJobs(), tracer=recording.traces) as rpc:
        for method in (f"/{'made.up' * 200}/Name", f"/{SERVICE}/Nothing"):
            await refused(rpc.channel.unary_unary(method)(b""))
            await rpc.observed.get()
    assert {span.name for span in recording.spans} == {"unknown/unknown"}
    assert {span.attributes["rpc.method"] for span in recording.spans} == {"unknown"}
    assert {span.attributes["rpc.service"] for span in recording.spans} == {"unknown"}
