"""A scripted service and a client of it."""

from collections.abc import Iterator

import pytest

from interference_client import Client, _watch, cli
from support.scripted_service import ScriptedService, serving


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService()


@pytest.fixture
def target(service: ScriptedService) -> Iterator[str]:
    with serving(service) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture
def client(target: str) -> Iterator[Client]:
    with Client(target, patience=20) as client:
        yield client


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(_watch, "_LONGEST_PAUSE_SECONDS", 0.1)


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
