"""Jobs that share the actors of a running service."""

import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from interference_client import Client
from interference_service.demo.server import Running, running_service
from support import ray_gpus
from support.processes import actors, gone
from support.service import FEW_RESOURCES
from support.submissions import submit, submit_slow
from support.waiting import eventually


def workers_lost(service: Running) -> float:
    """How many lost workers the service has counted."""
    url = f"http://{service.metrics}/metrics/service"
    with urllib.request.urlopen(url) as answer:
        text = answer.read().decode()
    return sum(
        float(each)
        for each in re.findall(r"^interference_workers_lost_total.* (.*)$", text, re.MULTILINE)
    )


def test_a_small_job_is_done_while_a_large_one_that_came_first_has_all_actors(
    files: Path, tmp_path: Path
):
    with (
        running_service(tmp_path, {"data": files}, FEW_RESOURCES) as service,
        Client(service.grpc) as client,
    ):
        large = submit_slow(client)
        first = eventually(
            lambda: (found := actors(service, "gradients")) and len(found) == 2 and found,
            what="two actors at work",
        )
        assert submit(client).wait(timeout=60).state == "SUCCEEDED"
        assert large.refresh().state == "RUNNING"
        assert any(gone([each]) for each in first)


def test_a_spare_that_was_killed_is_replaced_without_noise_to_a_job(
    service: Running, client: Client
):
    lost = workers_lost(service)
    spares = eventually(lambda: actors(service), what="a spare")
    for spare in spares:
        spare.kill()
    job = submit(client).wait(timeout=60)
    assert (job.state, job.attempt) == ("SUCCEEDED", 1)
    assert workers_lost(service) == lost


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process of its own: Ray forks when it starts, which gRPC's threads here do not bear."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=ray_gpus.start) as pool:
        yield pool


@pytest.mark.parametrize("share", [0.5, 0.4])
def test_as_many_actors_are_placed_on_gpus_as_there_is_said_to_be_room_for(elsewhere, share):
    room, placed, waiting = elsewhere.submit(ray_gpus.placed, share).result()
    assert len(placed) == room
    assert waiting == 1
    assert Counter(gpu for gpus in placed for gpu in gpus) == {str(each): 2 for each in range(4)}
