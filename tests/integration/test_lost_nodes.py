"""Jobs outlive nodes, with all that these held, and actors that are killed at any moment."""

import os
import random
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from interference_client import Client, Job, ModelReference, Options, Progress
from interference_service.demo.server import Running, running_service
from support.network_ports import free_port
from support.processes import actors, actors_below
from support.service import FEW_RESOURCES
from support.submissions import slow_rows, submit
from support.waiting import eventually

_FAST_CHECKS = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
"""A node that is gone is missed after seconds, not after a quarter of a minute."""


@contextmanager
def node(home: Path, name: str, environment: dict[str, str], *arguments: str) -> Iterator[int]:
    """The process group of a node, started as an operator would."""
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--block", "--disable-usage-stats"),
        *(f"--object-store-memory={100 << 20}", *arguments),
    ]
    with (home / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=home,
            env=os.environ | environment,
        )
    try:
        started = "Ray runtime started"
        eventually(lambda: started in (home / f"{name}.log").read_text(), what=f"node {name}")
        yield process.pid
    finally:
        kill(process.pid)
        process.wait(30)


def kill(group: int) -> None:
    """Kill every process of a node at once."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def three_nodes(home: Path) -> Iterator[tuple[dict[str, str], list[int]]]:
    """Variables that lead to a cluster, and the process groups of its two nodes that work."""
    port, token = free_port(), home / "token"
    token.write_text(secrets.token_hex(32))
    variables = {
        "RAY_ADDRESS": f"127.0.0.1:{port}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
    }
    environment = variables | _FAST_CHECKS
    first = ("--head", f"--port={port}", "--node-ip-address=127.0.0.1", "--num-cpus=0")
    with ExitStack() as stack:
        stack.enter_context(node(home, "first", environment, *first, "--include-dashboard=false"))
        groups = []
        for name, address in (("second", "127.0.0.2"), ("third", "127.0.0.3")):
            joined = (f"--address=127.0.0.1:{port}", f"--node-ip-address={address}", "--num-cpus=1")
            groups.append(stack.enter_context(node(home, name, environment, *joined)))
        yield variables, groups


def submit_slow(client: Client) -> Job:
    return submit(
        client,
        data=slow_rows(),
        model=ModelReference("data://slow.pt2"),
        options=Options(folds=4),
    )


def test_a_job_outlives_a_node_with_all_that_it_held(files: Path, tmp_path: Path):
    with (
        three_nodes(tmp_path) as (variables, groups),
        running_service(tmp_path, {"data": files}, FEW_RESOURCES | variables) as service,
        Client(service.grpc) as client,
    ):
        job = submit_slow(client)
        seen: list[tuple[str, int]] = []

        def observed() -> Progress:
            progress = job.refresh().progress
            seen.append((progress.stage, progress.completed_units))
            return progress

        computing: Counter[int] = Counter()

        def busy() -> int | None:
            """A node that has been seen at work so often that it holds sums of finished units."""
            assert observed().stage in {"QUEUED", "SCAN", "GRADIENTS"}, (
                "over before a node was lost"
            )
            computing.update(each for each in groups if actors_below(each, "gradients"))
            return next((each for each, times in computing.items() if times >= 10), None)

        kill(eventually(busy, what="a node at work"))
        eventually(
            lambda: observed() and job.state != "RUNNING", within_seconds=100, what="the end"
        )
        assert job.state == "SUCCEEDED"
        assert job.attempt == 1
        disturbed = dict(job.result().matrices())
        undisturbed = dict(submit_slow(client).wait(timeout=100).result().matrices())
    # What was lost with the node was needed, so that this is not the story of a lost actor.
    assert "payload_lost" in (tmp_path / "service.log").read_text()
    order = ["QUEUED", "SCAN", "GRADIENTS", "REDUCE", "WRITE"]
    places = [(order.index(stage), done) for stage, done in seen if stage in order]
    assert places == sorted(places)
    for name, matrix in undisturbed.items():
        np.testing.assert_array_equal(disturbed[name], matrix, err_msg=name)


@pytest.mark.parametrize(
    "jobs", [2, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_jobs_have_the_same_bits_whenever_their_actors_are_killed(
    service: Running, client: Client, jobs: int
):
    undisturbed = submit_slow(client).wait(timeout=100).result().conflict("shared")
    chance = random.Random(jobs)
    for _ in range(jobs):
        job = submit_slow(client)
        # At another moment every time: while a model is loaded, or at one unit or another.
        moment = chance.randrange(6)
        eventually(lambda job=job, least=moment: reached(job, least), what="the moment")
        for victim in actors(service)[: chance.randrange(1, 3)]:
            kill_one(victim)
        assert job.wait(timeout=100).state == "SUCCEEDED"
        assert job.attempt == 1
        np.testing.assert_array_equal(job.result().conflict("shared"), undisturbed)


def reached(job: Job, units: int) -> bool:
    """Whether a job has begun its gradients and finished some units of it, or is further."""
    progress = job.refresh().progress
    if job.state != "RUNNING":
        return job.state != "PENDING"
    return progress.stage not in {"QUEUED", "SCAN"} and (
        progress.stage != "GRADIENTS" or progress.completed_units >= units
    )


def kill_one(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
