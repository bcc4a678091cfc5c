"""A real service in a process of its own, shared by the tests that leave it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from interference_client import Client
from interference_service.demo.server import Running, running_service
from support import examples
from support.service import FEW_RESOURCES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files whose tests may take longest, or one process ends long after the other."""
    longest: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        longest[item.path] = max(longest.get(item.path, 0), mark.args[0] if mark else 0)
    items.sort(key=lambda item: -longest[item.path])


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the store ``data``, with models and rows in it."""
    directory = tmp_path_factory.mktemp("files")
    examples.write_all(directory)
    examples.slow(directory)
    examples.brief(directory)
    return directory


@pytest.fixture(scope="session")
def service(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that reads ``files``; every job has an actor started, which takes most of its time."""
    home = tmp_path_factory.mktemp("service")
    settings = FEW_RESOURCES | {"INTERFERENCE_COMPUTE__MAX_ACTORS": "1"}
    with running_service(home, {"data": files}, settings) as running:
        yield running


@pytest.fixture
def client(service: Running) -> Iterator[Client]:
    """A client of the shared service."""
    with Client(service.grpc) as client:
        yield client
