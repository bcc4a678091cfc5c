"""A scripted service and a client of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from interference_client import Client, _retries, cli
from interference_client.testing import FakeService
from support.scripted_service import ScriptedService, serving


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService()


@pytest.fixture
def target(service: ScriptedService) -> Iterator[str]:
    with serving(service) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture
def fake() -> Iterator[FakeService]:
    """A service that a user's tests would have."""
    with FakeService() as service:
        yield service


@pytest.fixture
def client(target: str) -> Iterator[Client]:
    with Client(target, patience=20) as client:
        yield client


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_retries, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(_retries, "_LONGEST_PAUSE_SECONDS", 0.1)


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in [each for each in os.environ if each.startswith("INTERFERENCE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def run(target: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs the command line against the scripted service; returns status and both outputs."""
    monkeypatch.setenv("INTERFERENCE_TARGET", target)
    monkeypatch.setenv("INTERFERENCE_PATIENCE", "0.2")

    def call(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call
