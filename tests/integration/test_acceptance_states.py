"""What can be done to a job in each state, and what becomes of those who look at it meanwhile."""

import time

import grpc
import pytest

from interference.v1 import (
    analysis_service_pb2 as wire,
    analysis_service_pb2_grpc as service_grpc,
)
from interference_client import Client, JobCancelled, NotFound, WrongState
from interference_service.demo.server import Running
from support.processes import actors
from support.submissions import rows, submit, submit_slow
from support.waiting import eventually

CANCELLED_WITHIN_SECONDS = 10.0


@pytest.fixture
def stub(service: Running):
    with grpc.insecure_channel(service.grpc) as channel:
        yield service_grpc.AnalysisServiceStub(channel)


@pytest.mark.parametrize("stage", ["QUEUED", "SCAN", "GRADIENTS"])
def test_a_job_is_cancelled_within_seconds_at_whatever_it_is(
    service: Running, client: Client, stage: str
):
    job = submit_slow(client)
    stages = ["QUEUED", "SCAN", "GRADIENTS"]
    eventually(
        lambda: job.refresh().progress.stage in stages[stages.index(stage) :],
        what=f"the stage {stage} or a later one",
    )
    asked = time.monotonic()
    assert job.cancel("enough").state in {"CANCELLING", "CANCELLED"}
    assert job.cancel("again").state in {"CANCELLING", "CANCELLED"}
    with pytest.raises(JobCancelled, match="enough"):
        job.wait(timeout=CANCELLED_WITHIN_SECONDS)
    assert time.monotonic() - asked < CANCELLED_WITHIN_SECONDS
    assert (job.error.reason, job.cancel().state) == ("CANCELLED", "CANCELLED")
    eventually(lambda: not actors(service, "gradients"), within_seconds=10, what="the actors' end")


@pytest.mark.parametrize("state", ["SUCCEEDED", pytest.param("FAILED", marks=pytest.mark.slow)])
def test_what_has_ended_is_not_cancelled_any_more(client: Client, state: str):
    changes = {} if state == "SUCCEEDED" else {"data": rows(label="target")}
    job = submit(client, **changes).wait(timeout=60, check=False)
    with pytest.raises(WrongState) as caught:
        job.cancel()
    assert caught.value.state == state
    assert job.refresh().state == state


def test_a_job_is_deleted_after_its_end_and_leaves_its_name(client: Client, stub):
    first = submit_slow(client, job_id="deleted")
    with pytest.raises(WrongState) as caught:
        first.delete()
    assert caught.value.state in {"PENDING", "RUNNING"}
    first.cancel()
    first.wait(timeout=30, check=False)
    request = wire.DeleteAnalysisJobRequest(name=first.name, etag="another")
    with pytest.raises(grpc.RpcError) as stale:
        stub.DeleteAnalysisJob(request)
    assert stale.value.code() is grpc.StatusCode.ABORTED
    request.etag = stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=first.name)).etag
    stub.DeleteAnalysisJob(request)
    with pytest.raises(NotFound):
        first.delete()
    first.delete(allow_missing=True)
    second = submit(client, job_id="deleted")
    assert second.name == first.name
    assert second.snapshot.uid != first.snapshot.uid
    second.cancel()


def test_a_read_that_goes_on_once_its_job_is_deleted_is_not_found(client: Client, stub):
    job = submit(client).wait(timeout=60)
    request = wire.ReadMatricesRequest(name=f"{job.name}/result")
    reading = stub.ReadMatrices(request)
    token = next(reading).resume_token
    reading.cancel()
    job.delete()
    request.resume_token = token
    for late in (request, wire.ReadMatricesRequest(name=request.name)):
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ReadMatrices(late))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(NotFound):
        job.result()


def test_an_update_names_what_it_changes_and_is_guarded(client: Client, stub):
    job = submit(client, labels={"team": "solar", "run": "7"}, display_name="before")
    job.wait(timeout=60)

    def update(paths: list[str], etag: str = "", **fields):
        return stub.UpdateAnalysisJob(
            wire.UpdateAnalysisJobRequest(
                analysis_job={"name": job.name, "etag": etag, **fields},
                update_mask={"paths": paths},
            )
        )

    read = stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=job.name))
    one = update(["labels.team", "labels.run"], read.etag, labels={"team": "wind"})
    assert dict(one.labels) == {"team": "wind"}
    assert (one.display_name, one.etag != read.etag) == ("before", True)
    with pytest.raises(grpc.RpcError) as stale:
        update(["display_name"], read.etag, display_name="after")
    assert stale.value.code() is grpc.StatusCode.ABORTED
    every = update(["*"], one.etag, display_name="after")
    assert (every.display_name, dict(every.labels)) == ("after", {})
    assert every.expire_time == one.expire_time
    with pytest.raises(grpc.RpcError) as immutable:
        update(["spec"], spec=read.spec)
    assert "'spec'" in immutable.value.details()
