"""An argument of a wrong name is told to callers who have no type checker."""

from datetime import timedelta

import pytest

from interference.v1 import analysis_job_pb2 as job_pb2
from interference_client import Client
from interference_client._requests import create_request
from interference_client.aio import AsyncClient
from interference_client.testing import FakeService, StaysPending
from support.client_values import DATA, MODEL


@pytest.fixture
def fake():
    with FakeService() as fake:
        fake.plan(StaysPending())
        yield fake


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("name", "hint"), [("tokn", "did you mean 'token'"), ("xyzzy", "there are ca, certificate")]
)
def test_a_client_knows_its_arguments(kind, name, hint):
    with pytest.raises(TypeError, match=f"'{name}'; {hint}"):
        kind("127.0.0.1:1", **{name: "secret"})


def test_a_submission_and_a_change_know_theirs(fake):
    with Client(fake.target) as client:
        with pytest.raises(TypeError, match="'priorty'; did you mean 'priority'"):
            client.submit(MODEL, DATA, priorty="high")
        assert not fake.submissions
        job = client.submit(MODEL, DATA)
        with pytest.raises(TypeError, match="'label'; did you mean 'labels'"):
            job.update(label={"a": "b"})
        with pytest.raises(TypeError, match="'job_id'; there are annotations, display_name"):
            job.update(job_id="another")


async def test_they_do_so_for_asynchronous_code(fake):
    async with AsyncClient(fake.target) as client:
        with pytest.raises(TypeError, match="'priorty'; did you mean 'priority'"):
            await client.submit(MODEL, DATA, priorty="high")
        job = await client.submit(MODEL, DATA)
        with pytest.raises(TypeError, match="'label'; did you mean 'labels'"):
            await job.update(label={"a": "b"})


def test_a_change_of_nothing_leaves_the_priority(fake):
    with Client(fake.target) as client:
        job = client.submit(MODEL, DATA, priority="high")
        with pytest.raises(ValueError, match="nothing to change; give display_name"):
            job.update()
        assert job.refresh().snapshot.priority == "high"


def test_a_life_of_nothing_is_said():
    request = create_request("p", job_pb2.AnalysisSpec(), {"ttl": timedelta(0)})
    assert request.analysis_job.HasField("ttl")
