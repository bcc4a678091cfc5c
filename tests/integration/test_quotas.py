"""Teams that share a service: each within its limits, and none waits for another's crowd."""

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from interference.v1 import analysis_service_pb2 as wire, analysis_service_pb2_grpc
from interference_client import Client, InvalidArgument, Job, QuotaExceeded
from interference_service.demo.server import Running, running_service
from support.service import FEW_RESOURCES
from support.submissions import submit, submit_slow
from support.waiting import eventually

pytestmark = pytest.mark.slow

QUOTAS = {
    "few": {"max_active_jobs": 2, "highest_priority": "PRIORITY_NORMAL", "max_ttl_seconds": 3600},
    "steady": {"submits_per_minute": 12, "submit_burst": 1},
    "watched": {"max_watches": 1},
}


@pytest.fixture(scope="module")
def shared(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service of several projects that runs one job at a time."""
    settings = FEW_RESOURCES | {
        "INTERFERENCE_JOBS__CONCURRENCY": "1",
        "INTERFERENCE_QUOTAS__PROJECTS": json.dumps(QUOTAS),
        "INTERFERENCE_MINIMUM_CLIENT_VERSION": "0.0.2",
    }
    with running_service(tmp_path_factory.mktemp("shared"), {"data": files}, settings) as running:
        yield running


IMPATIENT = 4.0
"""Less than a refusal asks for, so that the client does not come again by itself."""


@pytest.fixture
def client_of(shared: Running) -> Iterator[Callable[[str], Client]]:
    """Makes clients of projects."""
    with ExitStack() as clients:
        yield lambda project: clients.enter_context(Client(shared.grpc, project=project))


def cancel(*jobs: Job) -> None:
    for job in jobs:
        job.cancel()
    for job in jobs:
        job.wait(timeout=60, check=False)


def test_a_project_that_submits_too_fast_succeeds_after_the_delay_it_is_told(client_of):
    client = client_of("steady")
    first = submit(client, job_id="first")
    with pytest.raises(QuotaExceeded) as caught:
        submit(client, timeout=IMPATIENT)
    error = caught.value
    assert (error.reason, error.metadata["limit"]) == ("QUOTA_EXCEEDED", "submits_per_minute")
    assert 0 < error.retry_after_seconds <= 5
    assert submit(client, job_id="first", if_exists="attach").name == first.name
    threading.Event().wait(error.retry_after_seconds)
    for job in (first, submit(client)):
        job.wait(timeout=60)


def test_a_project_has_no_more_active_jobs_than_it_may_until_one_ends(client_of, shared):
    client = client_of("few")
    first, second = submit_slow(client, job_id="one"), submit_slow(client)
    for validate_only in (False, True):
        with pytest.raises(QuotaExceeded) as caught:
            submit(client, validate_only=validate_only, timeout=IMPATIENT)
        assert caught.value.metadata == {
            "project": "few",
            "limit": "max_active_jobs",
            "allowed": "2",
        }
        assert caught.value.retry_after_seconds == 5
        assert "project 'few' has 2 jobs that are not finished" in str(caught.value)
    attached = submit_slow(client, job_id="one", if_exists="attach")
    assert attached.name == first.name
    assert metric(shared, 'interference_jobs_active{project="few"}') == 2
    refusals = 'interference_quota_refusals_total{limit="max_active_jobs",project="few"}'
    assert metric(shared, refusals) == 2
    cancel(first)
    third = submit_slow(client)
    cancel(second, third)


def test_a_project_that_asks_for_more_than_it_may_is_told_the_field(client_of):
    client = client_of("few")
    with pytest.raises(InvalidArgument) as caught:
        submit(client, priority="high")
    assert [each.field for each in caught.value.violations] == ["analysis_job.priority"]
    with pytest.raises(InvalidArgument) as caught:
        submit(client, ttl=timedelta(hours=2))
    assert [each.field for each in caught.value.violations] == ["analysis_job.ttl"]


def test_a_second_watcher_waits_for_the_place_of_the_first(client_of, shared):
    client = client_of("watched")
    job = submit_slow(client)
    events = job.events()
    next(events)
    assert metric(shared, 'interference_streams_open{kind="watch"}') == 1
    with grpc.insecure_channel(shared.grpc) as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=job.name), timeout=20))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    events.close()
    eventually(lambda: metric(shared, 'interference_streams_open{kind="watch"}') == 0)
    cancel(job)


def test_a_single_job_does_not_wait_for_the_crowd_of_another_project(client_of):
    crowd = [submit(client_of("crowd")) for _ in range(6)]
    single = submit(client_of("single"))
    for job in (*crowd, single):
        job.wait(timeout=120)
    before = [job for job in crowd if job.snapshot.start_time < single.snapshot.start_time]
    assert len(before) <= 2


def test_every_project_is_told_its_limits_and_what_the_service_takes(client_of):
    info = client_of("few").server_info()
    assert info.limits["max_active_jobs"] == 2
    assert info.limits["highest_priority"] == "normal"
    assert info.limits["max_ttl_seconds"] == 3600
    assert client_of("steady").server_info().limits["submits_per_minute"] == 12
    assert {"MODEL_FORMAT_TORCH_EXPORT", "DATA_FORMAT_PARQUET"} <= set(info.capabilities)
    assert "MODEL_FORMAT_CHECKPOINT" not in info.capabilities
    assert info.minimum_client_version == "0.0.2"


def test_a_client_that_is_too_old_is_refused(shared):
    options = [("grpc.primary_user_agent", "interference-client/0.0.1")]
    with grpc.insecure_channel(shared.grpc, options=options) as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetServerInfo(wire.GetServerInfoRequest(), timeout=20)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "0.0.2 at least" in caught.value.details()


def metric(service: Running, series: str) -> float:
    """The present value of a series; 0 where there is none."""
    with urllib.request.urlopen(f"http://{service.metrics}/metrics", timeout=20) as response:
        lines = response.read().decode().splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(f"{series} ")), 0.0)
