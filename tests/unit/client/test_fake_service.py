"""The fake service behaves as the real one, and as a test tells it to."""

import asyncio
import math
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from interference_client import Client, Gate, Job, JobFailed, ModelReference, errors
from interference_client.aio import AsyncClient
from interference_client.testing import (
    Fails,
    FakeClass,
    FakePrevious,
    FakeResult,
    FakeService,
    KeepsRunning,
    StaysPending,
    Succeeds,
)
from support.client_scenarios import ClientScenarios, Outcome, World
from support.client_values import DATA, MODEL
from support.readmes import CLIENT as CLIENT_README

CODE = grpc.StatusCode
FAILURE = Fails("INVALID_DATA", "no such column", {"spec.data.label_column": "is not there"})
OF_A_LAYER = FakeResult(matrices={"head/cosine": np.eye(2), "head/gram": np.ones((2, 2))})
PLANS = {"succeeds": Succeeds(OF_A_LAYER), "fails": FAILURE, "runs": KeepsRunning()}


class TestTheSameAsTheService(ClientScenarios):
    @pytest.fixture(scope="class")
    @classmethod
    def world(cls) -> Iterator[World]:
        with FakeService() as service, Client(service.target) as client:

            def submit(outcome: Outcome, **submission: Any) -> Job:
                service.plan(PLANS[outcome])
                model = ModelReference("models://m.pt2", monitor="solar")
                return client.submit(model, DATA, **submission)

            yield World(client, submit)


def test_the_example_for_the_tests_of_pipelines_works():
    blocks = CLIENT_README.read_text("utf-8").split("```python\n")[1:]
    (example,) = (each.split("```")[0] for each in blocks if "our_pipeline" in each)

    def our_pipeline(client: Client) -> bool:
        model = ModelReference("models://m.pt2", monitor="solar-panels")
        gates = [Gate.parse("learns:summary/worst_progress_ratio>=0")]
        verdict = client.submit(model, DATA, gates=gates).wait(timeout=20).verdict
        return verdict.outcome == "PASSED"

    names = {"our_pipeline": our_pipeline}
    exec(example, names)
    with FakeService() as service:
        names["test_the_pipeline_stops_where_a_minority_is_unlearned"](service)


@pytest.fixture
def client(fake: FakeService) -> Iterator[Client]:
    with Client(fake.target) as client:
        yield client


def test_submissions_are_seen_as_they_were_sent(fake, client):
    client.submit(MODEL, DATA, labels={"team": "vision"})
    (seen,) = fake.submissions
    assert (seen.spec.model.uri, seen.labels["team"]) == ("models://m.pt2", "vision")


def test_plans_are_taken_one_after_the_other_and_the_last_stays(fake, client):
    fake.plan(Fails(), StaysPending())
    with pytest.raises(JobFailed):
        client.submit(MODEL, DATA).wait(timeout=20)
    waiting = [client.submit(MODEL, DATA) for _ in range(2)]
    for job in waiting:
        with pytest.raises(errors.WaitTimeout):
            job.wait(timeout=0.2)
        assert job.cancel().state == "CANCELLED"
    with pytest.raises(ValueError, match="a plan"):
        fake.plan()


@pytest.mark.parametrize("plan", [StaysPending(), KeepsRunning()])
def test_what_waits_or_runs_ends_when_it_is_told_to(fake, client, plan):
    fake.plan(plan)
    job = client.submit(MODEL, DATA)
    fake.finish(job.name, Succeeds(seconds=0.1))
    assert job.wait(timeout=20).state == "SUCCEEDED"


def test_numbers_and_matrices_are_those_that_were_made_up(fake, client):
    cosines = np.array([[1.0, -0.5], [-0.5, 1.0]])
    flow = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, np.nan]])
    fake.plan(
        Succeeds(
            FakeResult(
                {
                    "common": FakeClass(row_count=900),
                    "rare": FakeClass(
                        progress_ratio=(-0.4, -0.6, -0.2),
                        minority=True,
                        unlearned=True,
                        row_count=100,
                        metrics={"loudness": 3.5},
                    ),
                },
                layers=("a", "b", "c"),
                summary={"worst_suppression": 0.25},
                matrices={"shared/cosine": cosines, "layers/gradient_norm": flow},
            )
        )
    )
    result = client.submit(MODEL, DATA).wait(timeout=20).result()
    rare = result.classes["rare"]
    assert (rare.prior, rare.unlearned, rare.progress_ratio.upper) == (0.1, True, -0.2)
    assert rare.metric("loudness").value == 3.5
    assert np.isnan(result.classes["common"].metric("loudness").value)
    assert result.summary["worst_progress_ratio"].estimate.value == -0.4
    assert result.summary["worst_suppression"].estimate.value == 0.25
    np.testing.assert_array_equal(result.conflict(), cosines)
    np.testing.assert_array_equal(result.layer_metric("gradient_norm"), flow)
    assert result.top_conflicts[0].significant


def test_an_analysis_before_is_what_changes_are_judged_by(fake, client):
    fallen = FakePrevious(version="v6", changes={"rare": {"progress_ratio": (-0.6, -0.8, -0.4)}})
    fake.plan(Succeeds(FakeResult(previous=fallen)))
    gate = Gate.parse("no-fall:changes/progress_ratio/rare>=0")
    job = client.submit(model=MODEL, data=DATA, gates=[gate]).wait(timeout=20)
    told = job.result().previous
    assert (told.version, told.end_time) == ("v6", fallen.end_time)
    assert told.change("rare", "progress_ratio").upper == -0.4
    assert math.isnan(told.change("rare", "suppression").value)
    assert job.verdict.outcome == "VIOLATED"


def test_an_analysis_before_that_cannot_be_compared_says_why(fake, client):
    other = FakePrevious(differing_fields=("options.loss",))
    fake.plan(Succeeds(FakeResult(previous=other)))
    told = client.submit(model=MODEL, data=DATA).wait(timeout=20).result().previous
    assert (told.differing_fields, told.changes) == (("options.loss",), {})


def test_cut_streams_are_resumed(fake, client):
    fake.plan(Succeeds(seconds=0.3))
    fake.cut_streams(after=1, times=2)
    job = client.submit(MODEL, DATA).wait(timeout=20)
    matrices = dict(job.result().matrices())
    assert set(matrices) == set(job.result().matrix_ids)
    watched = [method for method, _ in fake.calls if method == "WatchAnalysisJob"]
    read = [method for method, _ in fake.calls if method == "ReadMatrices"]
    assert (len(watched), len(read)) == (3, 3)


def test_calls_fail_as_often_as_they_are_told_to(fake, client):
    fake.refuse(CODE.UNAVAILABLE, times=2, method="CreateAnalysisJob")
    client.submit(MODEL, DATA)
    assert len(fake.submissions) == 1
    fake.refuse(CODE.RESOURCE_EXHAUSTED, reason="QUOTA_EXCEEDED", message="enough")
    with pytest.raises(errors.QuotaExceeded, match="enough") as caught:
        client.submit(MODEL, DATA)
    assert caught.value.reason == "QUOTA_EXCEEDED"


def test_who_has_no_token_is_not_let_in():
    with FakeService(token="secret") as fake:
        with Client(fake.target) as stranger, pytest.raises(errors.Unauthenticated) as caught:
            stranger.server_info()
        assert caught.value.reason == "UNAUTHENTICATED"
        with Client(fake.target, token="secret") as known:
            assert known.server_info().version


def test_a_deleted_job_ends_its_watches(fake, client):
    fake.plan(StaysPending())
    job = client.submit(MODEL, DATA)
    events = job.events(timeout=20)
    assert next(events).state == "PENDING"
    client.job(job.name).cancel()
    assert next(events).state == "CANCELLED"
    job.delete()
    with pytest.raises(errors.NotFound):
        next(job.events(timeout=20))


async def test_asynchronous_code_meets_the_same(fake):
    async with AsyncClient(fake.target) as client:
        jobs = await asyncio.gather(*(client.submit(MODEL, DATA) for _ in range(5)))
        await asyncio.gather(*(job.wait(timeout=20) for job in jobs))
        assert {job.state for job in jobs} == {"SUCCEEDED"}
        assert (await (await jobs[0].result()).conflict()).shape == (2, 2)


def test_a_plan_that_is_broken_fails_its_job(fake, client):
    fake.plan(Succeeds(FakeResult(matrices={"shared/cosine": [1.0, 2.0]})))
    with pytest.raises(JobFailed, match="the plan of this job is broken") as caught:
        client.submit(MODEL, DATA).wait(timeout=20)
    assert caught.value.job.end_time is not None


def test_a_validation_tells_what_is_taken(fake, client):
    fake.plan(StaysPending())
    request_id = str(uuid.uuid4())
    client.submit(MODEL, DATA, job_id="taken", request_id=request_id)
    with pytest.raises(errors.AlreadyExists) as caught:
        client.submit(MODEL, DATA, job_id="taken", validate_only=True)
    assert (caught.value.reason, caught.value.same_specification) == ("JOB_EXISTS", True)
    with pytest.raises(errors.AlreadyExists) as caught:
        client.submit(MODEL, DATA, request_id=request_id, validate_only=True)
    assert caught.value.reason == "REQUEST_ID_REUSED"
    assert len(fake.submissions) == 1
