"""A wish is one job, whatever the network loses and whoever else has the same wish."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from interference_client import AlreadyExists, Client, Job, Options
from interference_service.demo.server import Running
from support.proxy import Proxy, between
from support.submissions import submit
from support.waiting import eventually


@pytest.fixture
def direct(service: Running) -> Iterator[Client]:
    """A client of a project that nobody else uses."""
    with Client(service.grpc, project=f"p-{uuid.uuid4().hex[:8]}") as client:
        yield client


@pytest.fixture
def proxy(service: Running) -> Iterator[Proxy]:
    with between(int(service.grpc.rpartition(":")[2])) as proxy:
        yield proxy


def names(client: Client) -> list[str]:
    return [job.name for job in client.list()]


def project(client: Client) -> str:
    return client.name_of("x").split("/")[1]


def test_a_submission_whose_answer_is_lost_makes_one_job(direct: Client, proxy: Proxy):
    with (
        Client(f"127.0.0.1:{proxy.port}", project=project(direct)) as unlucky,
        ThreadPoolExecutor(1) as threads,
    ):
        unlucky.server_info()  # so that the connection is there, and only the answer gets lost
        proxy.swallow()
        submitted = threads.submit(submit, unlucky)
        made = eventually(lambda: names(direct), what="the job of which nobody heard")
        assert not submitted.done()
        proxy.cut(0)
        assert [submitted.result(30).name] == made
        assert proxy.connections == 1
    assert names(direct) == made
    direct.job(made[0]).cancel()


def test_a_request_id_that_comes_with_another_request_changes_nothing(direct: Client):
    request_id = str(uuid.uuid4())
    first = submit(direct, request_id=request_id, display_name="first")
    with pytest.raises(AlreadyExists) as caught:
        submit(direct, request_id=request_id, display_name="second")
    assert caught.value.reason == "REQUEST_ID_REUSED"
    assert names(direct) == [first.name]
    assert direct.job(first.name).snapshot.display_name == "first"
    again = submit(direct, request_id=request_id, display_name="first")
    assert (again.name, again.snapshot.uid) == (first.name, first.snapshot.uid)
    first.cancel()


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another"])
def test_of_two_submissions_with_one_id_one_wins_and_the_other_learns_of_what(
    direct: Client, same: bool
):
    together = Barrier(2)

    def rival(number: int) -> Job | AlreadyExists:
        together.wait(10)
        try:
            return submit(
                direct, job_id="contested", options=Options(folds=4 + number * (not same))
            )
        except AlreadyExists as error:
            return error

    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(rival, range(2)))
    (winner,) = [each for each in ended if isinstance(each, Job)]
    (loser,) = [each for each in ended if isinstance(each, AlreadyExists)]
    assert (loser.reason, loser.same_specification) == ("JOB_EXISTS", same)
    assert loser.metadata["name"] == winner.name
    assert names(direct) == [winner.name]
    winner.cancel()


def test_many_runs_of_one_step_share_its_job(direct: Client):
    with ThreadPoolExecutor(8) as threads:
        attached = list(
            threads.map(
                lambda _: submit(direct, job_id="step", if_exists="attach").snapshot.uid, range(8)
            )
        )
    assert len(set(attached)) == 1
    assert len(names(direct)) == 1
    direct.job("step").cancel()
