"""Each method over a real socket: converted, delegated, converted."""

from datetime import timedelta

import grpc
import pytest

from interference.v1 import analysis_job_pb2, analysis_service_pb2 as wire
from interference_service import errors
from interference_service.domain.job import JobState, Progress, Settings, Stage
from interference_service.jobs.limits import Limits
from interference_service.jobs.watching import WatchEvent
from interference_service.rpc.convert_job import job_to_wire
from interference_service.rpc.convert_specification import specification_to_wire
from support.domain_examples import (
    NAME,
    NOW,
    analysis_result,
    failed_job,
    pending_job,
    rich_specification,
    succeeded_job,
)
from support.rpc_fakes import FakeJobs, details_of, fields_of, name_of, refused, served


def create_request(**changes) -> wire.CreateAnalysisJobRequest:
    values = {
        "parent": "projects/solar",
        "analysis_job_id": "nightly-7",
        "analysis_job": {"spec": specification_to_wire(rich_specification())},
    }
    return wire.CreateAnalysisJobRequest(**values | changes)


async def test_create_makes_the_job_that_is_asked_for():
    jobs = FakeJobs()
    async with served(jobs) as rpc:
        call = rpc.stub.CreateAnalysisJob(create_request())
        message = await call
        assert "interference-replayed" not in dict(await call.trailing_metadata())
    assert message == job_to_wire(jobs.known[NAME])
    assert message.creator == "anonymous"


async def test_create_says_that_it_is_a_replay():
    async with served(FakeJobs(known={NAME: pending_job()})) as rpc:
        call = rpc.stub.CreateAnalysisJob(create_request(), metadata=(("x-request-id", "a"),))
        await call
        metadata = dict(await call.trailing_metadata())
    assert metadata["interference-replayed"] == "true"
    assert metadata["x-request-id"] == "a"


async def test_create_that_only_validates_returns_no_name():
    jobs = FakeJobs()
    async with served(jobs) as rpc:
        message = await rpc.stub.CreateAnalysisJob(create_request(validate_only=True))
    assert (message.name, message.uid, message.HasField("create_time")) == ("", "", False)
    assert message.spec == specification_to_wire(rich_specification())
    assert jobs.known == {}


async def test_create_names_every_field_that_does_not_fit():
    request = create_request(analysis_job_id="Bad", request_id="bad")
    request.analysis_job.spec.options.folds = 1
    jobs = FakeJobs()
    async with served(jobs) as rpc:
        error = await refused(rpc.stub.CreateAnalysisJob(request))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert fields_of(error) == ["analysis_job_id", "request_id", "analysis_job.spec.options.folds"]
    assert details_of(error)["ErrorInfo"].reason == "INVALID_FIELD"
    assert jobs.asked == []


async def test_a_thousand_violations_arrive_as_an_invalid_argument():
    request = create_request()
    request.analysis_job.spec.data.priors.shares.extend([-1.0] * 1000)
    async with served(FakeJobs()) as rpc:
        error = await refused(rpc.stub.CreateAnalysisJob(request))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(fields_of(error)) == 20


async def test_get_returns_the_job():
    job = succeeded_job()
    async with served(FakeJobs(known={NAME: job})) as rpc:
        assert await rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME)) == (
            job_to_wire(job)
        )


async def test_get_of_a_job_that_is_not_there_names_it():
    async with served(FakeJobs()) as rpc:
        error = await refused(rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME)))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert details_of(error)["ResourceInfo"].resource_name == NAME


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidRequest.field("filter", "no"), grpc.StatusCode.INVALID_ARGUMENT),
        (errors.InvalidToken("no"), grpc.StatusCode.INVALID_ARGUMENT),
        (errors.NotFound("no"), grpc.StatusCode.NOT_FOUND),
        (errors.JobExists("no", metadata={"same_spec": "true"}), grpc.StatusCode.ALREADY_EXISTS),
        (errors.RequestIdReused("no"), grpc.StatusCode.ALREADY_EXISTS),
        (
            errors.WrongState("no", metadata={"state": "FAILED"}),
            grpc.StatusCode.FAILED_PRECONDITION,
        ),
        (errors.NoResult("no"), grpc.StatusCode.FAILED_PRECONDITION),
        (errors.EtagMismatch("no"), grpc.StatusCode.ABORTED),
        (errors.Draining("no"), grpc.StatusCode.UNAVAILABLE),
    ],
    ids=lambda value: getattr(value, "reason", ""),
)
async def test_an_error_of_a_use_case_arrives_with_its_reason_and_metadata(error, code):
    async with served(FakeJobs(raises=error)) as rpc:
        arrived = await refused(rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME)))
    assert (arrived.code(), arrived.details()) == (code, error.message)
    info = details_of(arrived)["ErrorInfo"]
    assert (info.reason, dict(info.metadata)) == (error.reason, error.metadata)


async def test_list_passes_the_query_and_returns_the_page():
    known = {name_of(f"job-{i}"): pending_job(id=f"job-{i}") for i in range(3)}
    jobs = FakeJobs(known=known)
    request = wire.ListAnalysisJobsRequest(
        parent="projects/solar", page_size=2, filter="state = PENDING", order_by="end_time"
    )
    async with served(jobs) as rpc:
        page = await rpc.stub.ListAnalysisJobs(request)
    assert [job.name for job in page.analysis_jobs] == list(known)[:2]
    assert page.next_page_token == "2"
    wanted = {
        "page_size": 2,
        "page_token": "",
        "filter_text": "state = PENDING",
        "order_by": "end_time",
        "principal": "anonymous",
    }
    assert jobs.asked == [("solar", wanted)]


async def test_a_page_ends_before_it_exceeds_one_mebibyte():
    large = Settings(annotations={"note": "x" * 16000})
    known = {name_of(f"job-{i}"): pending_job(id=f"job-{i}", settings=large) for i in range(150)}
    request = wire.ListAnalysisJobsRequest(parent="projects/solar", page_size=150)
    names: list[str] = []
    async with served(FakeJobs(known=known)) as rpc:
        while not names or request.page_token:
            page = await rpc.stub.ListAnalysisJobs(request)
            assert page.ByteSize() < 1_100_000
            names += [job.name for job in page.analysis_jobs]
            request.page_token = page.next_page_token
    assert names == list(known)


async def test_update_passes_the_changes_and_the_etag():
    jobs = FakeJobs(known={NAME: pending_job()})
    request = wire.UpdateAnalysisJobRequest(
        analysis_job=analysis_job_pb2.AnalysisJob(name=NAME, display_name="new", etag="e1"),
        update_mask={"paths": ["display_name", "labels"]},
    )
    async with served(jobs) as rpc:
        message = await rpc.stub.UpdateAnalysisJob(request)
    assert jobs.asked[0] == (NAME, {"display_name": "new", "labels": {}}, "e1")
    assert (message.display_name, dict(message.labels)) == ("new", {})


async def test_cancel_passes_the_reason_and_returns_the_job():
    job = failed_job()
    jobs = FakeJobs(known={NAME: job})
    async with served(jobs) as rpc:
        request = wire.CancelAnalysisJobRequest(name=NAME, reason="wrong data")
        assert await rpc.stub.CancelAnalysisJob(request) == job_to_wire(job)
    assert jobs.asked[0] == (NAME, "wrong data")


async def test_delete_passes_what_guards_it():
    jobs = FakeJobs()
    async with served(jobs) as rpc:
        request = wire.DeleteAnalysisJobRequest(name=NAME, etag="e1", allow_missing=True)
        await rpc.stub.DeleteAnalysisJob(request)
    assert jobs.asked == [(NAME, "e1", True)]


async def test_watch_tells_every_event_and_ends_with_ok():
    progress = Progress(stage=Stage.SCAN, completed_units=1, update_time=NOW)
    events = (
        WatchEvent("t1", NOW, pending_job()),
        WatchEvent("t2", NOW, progress),
        WatchEvent("t3", NOW, None),
        WatchEvent("t4", NOW, succeeded_job()),
    )
    jobs = FakeJobs(events=events)
    request = wire.WatchAnalysisJobRequest(
        name=NAME, resume_token="t0", heartbeat_interval=timedelta(seconds=20)
    )
    async with served(jobs) as rpc:
        call = rpc.stub.WatchAnalysisJob(request)
        told = [response async for response in call]
        assert await call.code() is grpc.StatusCode.OK
    assert jobs.asked == [(NAME, "anonymous", "t0", 20.0)]
    assert [each.resume_token for each in told] == ["t1", "t2", "t3", "t4"]
    assert [each.WhichOneof("event") for each in told] == [
        "snapshot",
        "progress",
        "heartbeat",
        "snapshot",
    ]
    last = analysis_job_pb2.AnalysisJob.State.Name(told[-1].snapshot.state)
    assert JobState(last).terminal


async def test_the_result_has_the_name_of_its_job():
    jobs = FakeJobs(known={NAME: succeeded_job()}, analysis=analysis_result())
    async with served(jobs) as rpc:
        request = wire.GetAnalysisResultRequest(name=f"{NAME}/result")
        message = await rpc.stub.GetAnalysisResult(request)
    assert message.name == f"{NAME}/result"
    assert len(message.classes) == 3


async def test_a_result_of_many_classes_is_delivered():
    one = analysis_result()
    many = one.model_copy(update={"classes": one.classes * 50_000})
    jobs = FakeJobs(known={NAME: succeeded_job()}, analysis=many)
    async with served(jobs) as rpc:
        request = wire.GetAnalysisResultRequest(name=f"{NAME}/result")
        message = await rpc.stub.GetAnalysisResult(request)
    assert message.ByteSize() > 4 << 20  # what gRPC sends and takes by default
    assert len(message.classes) == 150_000


async def test_there_is_no_result_of_a_job_that_failed():
    async with served(FakeJobs(known={NAME: failed_job()})) as rpc:
        request = wire.GetAnalysisResultRequest(name=f"{NAME}/result")
        error = await refused(rpc.stub.GetAnalysisResult(request))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    info = details_of(error)["ErrorInfo"]
    assert (info.reason, dict(info.metadata)) == ("NO_RESULT", {"state": "FAILED"})


async def test_the_server_tells_versions_capabilities_and_limits():
    async with served(FakeJobs()) as rpc:
        info = await rpc.stub.GetServerInfo(wire.GetServerInfoRequest())
    assert (info.version, info.engine_version) == ("1.2.3", "engine 4")
    assert set(info.capabilities) == {f"ELEMENT_TYPE_FLOAT{bits}" for bits in (16, 32, 64)}
    limits = Limits()
    assert info.limits.max_classes == limits.max_classes
    assert info.limits.max_request_bytes == 1_048_576
    assert info.limits.max_watch_duration.ToTimedelta().total_seconds() == limits.max_watch_seconds
    assert info.limits.max_ttl.ToTimedelta().total_seconds() == limits.max_ttl_seconds


@pytest.mark.parametrize(
    ("method", "request_message", "field"),
    [
        ("CreateAnalysisJob", wire.CreateAnalysisJobRequest(), "parent"),
        ("GetAnalysisJob", wire.GetAnalysisJobRequest(name="x"), "name"),
        ("ListAnalysisJobs", wire.ListAnalysisJobsRequest(parent="x"), "parent"),
        ("UpdateAnalysisJob", wire.UpdateAnalysisJobRequest(), "analysis_job.name"),
        ("CancelAnalysisJob", wire.CancelAnalysisJobRequest(name=f"{NAME}/result"), "name"),
        (
            "CancelAnalysisJob",
            wire.CancelAnalysisJobRequest(name=NAME, reason="x" * 513),
            "reason",
        ),
        ("DeleteAnalysisJob", wire.DeleteAnalysisJobRequest(), "name"),
        ("WatchAnalysisJob", wire.WatchAnalysisJobRequest(), "name"),
        (
            "WatchAnalysisJob",
            wire.WatchAnalysisJobRequest(name=NAME, heartbeat_interval={"seconds": 1, "nanos": -1}),
            "heartbeat_interval",
        ),
        ("GetAnalysisResult", wire.GetAnalysisResultRequest(name=NAME), "name"),
        ("ReadMatrices", wire.ReadMatricesRequest(name=NAME), "name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_method_refuses_what_does_not_fit_before_it_asks_anything(
    method, request_message, field
):
    jobs = FakeJobs()
    async with served(jobs) as rpc:
        call = getattr(rpc.stub, method)(request_message)
        error = await refused(call)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert fields_of(error) == [field]
    assert jobs.asked == []
