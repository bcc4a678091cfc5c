"""The asynchronous client does what the synchronous one does."""

import asyncio
import inspect

import grpc
import numpy as np
import pytest

from interference.v1 import analysis_service_pb2 as service_pb2
from interference_client import (
    Client,
    Job,
    ModelReference,
    ParquetData,
    Result,
    _aio_calls,
    errors,
    tensor,
)
from interference_client.aio import AsyncClient, AsyncJob, AsyncResult
from interference_client.testing import FakeResult, FakeService, Succeeds
from interference_service.rpc.convert_result import result_to_wire
from support.domain_examples import analysis_result
from support.matrix_parts import end, header, parts
from support.scripted_service import NAME, fails, job, progress, silent, snapshot, then_fails

MODEL = ModelReference("models://m.pt2")
DATA = ParquetData("rows://r.parquet", label="label", inputs={"x": tensor("x")})
CODE = grpc.StatusCode


@pytest.fixture
async def client(target: str):
    async with AsyncClient(target, patience=20) as client:
        yield client


@pytest.fixture
async def running(service, client) -> AsyncJob:
    service.script("GetAnalysisJob", job("RUNNING"))
    return await client.job("nightly")


@pytest.mark.parametrize(
    ("sync", "twin"), [(Client, AsyncClient), (Job, AsyncJob), (Result, AsyncResult)]
)
def test_the_twins_have_the_same_methods(sync, twin):
    def public(kind: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}

    # Drawing needs matrices at once, which only the synchronous result has.
    assert public(sync) - public(twin) <= {"heatmap"}
    assert public(twin) <= public(sync)


async def test_a_submission_is_retried_with_the_same_request_id(service, client):
    unreachable = fails(CODE.UNAVAILABLE)
    service.script("CreateAnalysisJob", unreachable, unreachable, job())
    assert (await client.submit(MODEL, DATA)).name == NAME
    ids = [each.request_id for each in service.requests("CreateAnalysisJob")]
    assert len(ids) == 3
    assert len(set(ids)) == 1


async def test_attach_takes_the_job_of_that_id(service, client):
    taken = fails(CODE.ALREADY_EXISTS, reason="JOB_EXISTS", metadata={"same_spec": "true"})
    service.script("CreateAnalysisJob", taken)
    service.script("GetAnalysisJob", job("RUNNING"))
    attached = await client.submit(MODEL, DATA, job_id="nightly", if_exists="attach")
    assert attached.state == "RUNNING"
    with pytest.raises(errors.AlreadyExists):
        await client.submit(MODEL, DATA, job_id="nightly")


async def test_errors_are_those_of_the_synchronous_client(service, client):
    service.script("GetAnalysisJob", fails(CODE.NOT_FOUND, "gone", request_id="r-1"))
    with pytest.raises(errors.NotFound, match="gone") as caught:
        await client.job("nightly")
    assert caught.value.request_id == "r-1"


async def test_pages_are_read_when_they_are_needed(service, client):
    def page(token: str):
        return service_pb2.ListAnalysisJobsResponse(analysis_jobs=[job()], next_page_token=token)

    service.script("ListAnalysisJobs", page("more"), page(""))
    assert [each.name async for each in client.list()] == [NAME, NAME]
    assert [each.page_token for each in service.requests("ListAnalysisJobs")] == ["", "more"]


async def test_a_cut_watch_goes_on_where_it_was(service, running):
    service.script(
        "WatchAnalysisJob",
        then_fails([snapshot("RUNNING", "t1"), progress(1, 2, "t2")], CODE.UNAVAILABLE),
        [progress(2, 2, "t3")],
        [snapshot("SUCCEEDED", "t4")],
    )
    events = []
    assert (await running.wait(on_event=events.append)).state == "SUCCEEDED"
    assert len(events) == 4
    tokens = [each.resume_token for each in service.requests("WatchAnalysisJob")]
    assert tokens == ["", "t2", "t3"]


async def test_a_stream_that_falls_silent_is_opened_again(service, running, monkeypatch):
    monkeypatch.setattr(_aio_calls, "SILENCE_SECONDS", 0.2)
    service.script("WatchAnalysisJob", silent, [snapshot("SUCCEEDED")])
    assert (await running.wait()).state == "SUCCEEDED"


async def test_a_wait_that_takes_too_long_leaves_the_job(service, running):
    service.script("WatchAnalysisJob", silent)
    with pytest.raises(errors.WaitTimeout):
        await running.wait(timeout=0.3)


async def test_a_service_that_stays_away_is_given_up(service, target):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", fails(CODE.UNAVAILABLE))
    async with AsyncClient(target, patience=0.2) as client:
        watched = await client.job("nightly")
        with pytest.raises(errors.Unavailable):
            await watched.wait()


async def test_many_jobs_are_waited_for_at_once(service, client):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", [snapshot("RUNNING"), snapshot("SUCCEEDED")])
    jobs = [await client.job("nightly") for _ in range(5)]
    await asyncio.gather(*(each.wait() for each in jobs))
    assert {each.state for each in jobs} == {"SUCCEEDED"}


async def test_a_failed_job_raises(service, running):
    service.script("WatchAnalysisJob", [snapshot("FAILED")])
    with pytest.raises(errors.JobFailed):
        await running.wait()


async def test_a_matrix_survives_a_cut_and_is_kept(service, running):
    service.script("GetAnalysisResult", result_to_wire(NAME, analysis_result()))
    matrix = np.random.default_rng(0).standard_normal((3, 3))
    head, raw = header("shared/cosine", matrix)
    whole = [*parts(head, raw, [4]), end(head)]
    service.script(
        "ReadMatrices",
        then_fails(whole[:2], CODE.UNAVAILABLE),
        [whole[0], *whole[2:]],
    )
    result = await running.result()
    np.testing.assert_array_equal(await result.conflict(), matrix)
    assert await result.matrix("shared/cosine") is await result.conflict()
    assert len(service.requests("ReadMatrices")) == 2
    with pytest.raises(KeyError, match="layers/none"):
        await result.layer_metric("none")


async def test_matrices_are_read_of_the_classes_and_layers_that_are_wanted():
    cosines = np.array([[1.0, -0.5], [-0.5, 0.25]])
    matrices = {"shared/cosine": cosines, "head/cosine": cosines}
    with FakeService() as fake:
        fake.plan(Succeeds(FakeResult(matrices=matrices)))
        async with AsyncClient(fake.target) as client:
            job = await client.submit(MODEL, DATA)
            result = await (await job.wait(timeout=20)).result()
            assert await result.matrix("shared/cosine", classes=["rare"]) == 0.25
            np.testing.assert_array_equal(await result.matrix("shared/cosine"), cosines)
            read = result.matrices(layers="h*", classes=["common"])
            assert {name: each.item() async for name, each in read} == {"head/cosine": 1.0}
