"""A service that attaches to a cluster which somebody else runs, and leaves it as it was."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interference_client import Client
from interference_service import __version__
from interference_service.demo.server import ServiceDied, running_service
from support.network_ports import free_port, listens
from support.service import FEW_RESOURCES
from support.submissions import submit
from support.waiting import eventually


@contextmanager
def started_cluster(home: Path, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Variables that lead to a cluster of one node, started as an operator would."""
    port, token = free_port(), home / "token"
    token.write_text(secrets.token_hex(32))
    variables = {
        "RAY_ADDRESS": f"127.0.0.1:{port}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
    }
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"),
        *("--node-ip-address=127.0.0.1", f"--port={port}", "--num-cpus=2"),
        *("--include-dashboard=false", "--disable-usage-stats"),
        f"--object-store-memory={100 << 20}",
    ]
    with (home / "ray.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=home,
            env=os.environ | environment | variables,
        )
    try:
        eventually(lambda: listens(port), what="the cluster")
        yield variables
    finally:
        # Its own way down takes half a minute.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Variables that lead to a cluster whose node has what the service has."""
    with started_cluster(tmp_path_factory.mktemp("cluster"), {}) as variables:
        yield variables


def test_a_job_runs_on_the_cluster_and_the_cluster_outlives_the_service(
    cluster: dict[str, str], files: Path, tmp_path: Path
):
    for run in ("first", "second"):
        home = tmp_path / run
        home.mkdir()
        with (
            running_service(home, {"data": files}, FEW_RESOURCES | cluster) as service,
            Client(service.grpc) as client,
        ):
            assert submit(client).wait(timeout=90).state == "SUCCEEDED"
            assert service.process.poll() is None
        assert listens(int(cluster["RAY_ADDRESS"].rpartition(":")[2]))


def test_a_cluster_that_cannot_be_reached_is_told_with_what_may_be_missing(
    cluster: dict[str, str], tmp_path: Path
):
    without_token = {"RAY_ADDRESS": cluster["RAY_ADDRESS"]}
    with (
        pytest.raises(ServiceDied, match="RAY_AUTH_TOKEN_PATH"),
        running_service(tmp_path, {}, without_token),
    ):
        pytest.fail("it came up without a token")


def test_a_node_with_another_version_is_named_and_nothing_is_computed(files: Path, tmp_path: Path):
    other = tmp_path / "other" / "interference_service"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text('__version__ = "0.0.9"\n')
    path = os.pathsep.join([str(other.parent), os.environ.get("PYTHONPATH", "")])
    with (
        started_cluster(tmp_path, {"PYTHONPATH": path}) as variables,
        running_service(tmp_path, {"data": files}, FEW_RESOURCES | variables) as service,
        Client(service.grpc) as client,
    ):
        error = submit(client).wait(timeout=90, check=False).error
    assert error.reason == "WORKER_LOST"
    assert f"node {error.metadata['node']} has " in error.message
    assert f"gradient-interference 0.0.9, the service gradient-interference {__version__}" in (
        error.message
    )
    assert "best as one image" in error.message
