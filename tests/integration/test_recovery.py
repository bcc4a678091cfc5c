"""Jobs outlive actors that are killed at any moment, and nodes with all that these held."""

import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from interference_client import Client, Job, Progress
from interference_service.demo.server import Running, running_service
from support.clusters import Nodes, kill, three_nodes
from support.processes import actors, gone
from support.service import FEW_RESOURCES
from support.submissions import submit_brief, submit_slow
from support.waiting import eventually

_STAGES = ["QUEUED", "SCAN", "GRADIENTS", "REDUCE", "WRITE"]


def reached(job: Job, units: int) -> bool:
    """Whether a job has finished so many units of its gradients, or is further, or at its end."""
    progress = job.refresh().progress
    if job.state not in {"PENDING", "RUNNING"}:
        return True
    stage = _STAGES.index(progress.stage)
    gradients = _STAGES.index("GRADIENTS")
    return stage > gradients or (stage == gradients and progress.completed_units >= units)


@pytest.fixture(scope="module")
def undisturbed(service: Running) -> dict[str, np.ndarray]:
    """What the brief job finds where nothing is killed."""
    with Client(service.grpc) as client:
        return dict(submit_brief(client).wait(timeout=100).result().matrices())


def assert_same_bits(job: Job, undisturbed: dict[str, np.ndarray]) -> None:
    matrices = dict(job.result().matrices())
    assert matrices.keys() == undisturbed.keys()
    for name, matrix in matrices.items():
        np.testing.assert_array_equal(matrix, undisturbed[name], err_msg=name)


class Watched:
    """What a watch tells of a job, from a thread of its own."""

    def __init__(self, job: Job) -> None:
        self.places: list[tuple[int, int]] = []
        self._job = job
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        for event in self._job.events(timeout=100):
            progress = event if isinstance(event, Progress) else event.progress
            if progress.stage in _STAGES:
                self.places.append((_STAGES.index(progress.stage), progress.completed_units))

    def never_went_back(self) -> bool:
        self._thread.join(60)
        return len(self.places) > 2 and self.places == sorted(self.places)


@pytest.mark.parametrize(
    "jobs", [1, pytest.param(24, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_jobs_have_the_same_bits_whenever_their_actors_are_killed(
    service: Running,
    client: Client,
    undisturbed: dict[str, np.ndarray],
    jobs: int,
):
    chance = random.Random(jobs)
    for _ in range(jobs):
        job = submit_brief(client)
        watched = Watched(client.job(job.name))
        # At another moment every time: while a model is loaded, or at one unit or another.
        for moment in sorted(chance.sample(range(24), chance.randrange(1, 3))):
            eventually(lambda job=job, least=moment: reached(job, least), what="the moment")
            for victim in actors(service)[: chance.randrange(1, 3)]:
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
        assert job.wait(timeout=100).state == "SUCCEEDED"
        assert job.attempt == 1
        assert watched.never_went_back(), watched.places
        assert_same_bits(job, undisturbed)


def test_a_job_that_recovers_is_cancelled_at_once(service: Running, client: Client):
    job = submit_slow(client)
    eventually(lambda: reached(job, 1), what="gradients")
    victims = eventually(lambda: actors(service, "gradients"), what="an actor at work")
    for victim in victims:
        victim.kill()
    job.cancel("enough")
    assert job.wait(timeout=10, check=False).state == "CANCELLED"
    eventually(lambda: gone(victims), within_seconds=10, what="the end of its actors")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with three_nodes(tmp_path) as started:
        yield started


@pytest.fixture
def spread(nodes: Nodes, files: Path, tmp_path: Path) -> Iterator[Client]:
    """A client of a service on several nodes."""
    with (
        running_service(tmp_path, {"data": files}, FEW_RESOURCES | nodes.variables) as service,
        Client(service.grpc) as client,
    ):
        yield client


@pytest.mark.slow
def test_a_job_outlives_a_node_with_all_that_it_held(nodes: Nodes, spread: Client, tmp_path: Path):
    job = submit_slow(spread)
    watched = Watched(spread.job(job.name))
    seen: set[int] = set()

    def all_at_work() -> bool:
        seen.update(nodes.busy())
        return len(seen) == len(nodes.working)

    eventually(all_at_work, what="all nodes at work")
    # While one node is at its first unit, the other does not finish so many.
    least = job.refresh().progress.completed_units + 8
    eventually(lambda: reached(job, least), what="units finished on every node")
    assert job.progress.stage == "GRADIENTS", "over before a node was lost"
    kill(nodes.working[0])
    assert job.wait(timeout=100).state == "SUCCEEDED"
    assert job.attempt == 1
    assert watched.never_went_back(), watched.places
    # What was lost with the node was needed, so that this is not the story of a lost actor.
    assert "payload_lost" in (tmp_path / "service.log").read_text()
    undisturbed = submit_slow(spread)
    assert_same_bits(job, dict(undisturbed.wait(timeout=100).result().matrices()))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", [0, 5, 12, 20])
def test_a_job_has_the_same_bits_whenever_a_node_is_lost(
    nodes: Nodes, spread: Client, undisturbed: dict[str, np.ndarray], moment: int
):
    job = submit_brief(spread)
    eventually(lambda: reached(job, moment), what="the moment")
    kill(nodes.working[moment % 2])
    assert job.wait(timeout=200).state == "SUCCEEDED"
    assert job.attempt == 1
    assert_same_bits(job, undisturbed)
