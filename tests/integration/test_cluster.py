"""A service that attaches to a cluster which somebody else runs, and leaves it as it was."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from interference_client import Client
from interference_service import __version__
from interference_service.demo.server import ServiceDied, running_service
from support.clusters import one_node
from support.network_ports import listens
from support.service import FEW_RESOURCES
from support.submissions import submit


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Variables that lead to a cluster whose node has what the service has."""
    with one_node(tmp_path_factory.mktemp("cluster"), {}) as variables:
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


@pytest.mark.slow
def test_a_cluster_that_cannot_be_reached_is_told_with_what_may_be_missing(
    cluster: dict[str, str], tmp_path: Path
):
    without_token = {"RAY_ADDRESS": cluster["RAY_ADDRESS"]}
    with (
        pytest.raises(ServiceDied, match="RAY_AUTH_TOKEN_PATH"),
        running_service(tmp_path, {}, without_token),
    ):
        pytest.fail("it came up without a token")


@pytest.mark.slow
def test_a_node_with_another_version_is_named_and_nothing_is_computed(files: Path, tmp_path: Path):
    other = tmp_path / "other" / "interference_service"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text('__version__ = "0.0.9"\n')
    path = os.pathsep.join([str(other.parent), os.environ.get("PYTHONPATH", "")])
    with (
        one_node(tmp_path, {"PYTHONPATH": path}) as variables,
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
