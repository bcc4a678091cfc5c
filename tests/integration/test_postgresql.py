"""A real service on a real PostgreSQL server, by way of a network that fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interference_client import Client, Unavailable
from interference_service.demo.server import running_service
from support.network_ports import free_port
from support.postgresql import PASSWORD, PostgresServer
from support.proxy import between
from support.service import FEW_RESOURCES
from support.submissions import submit
from support.waiting import eventually

SECRETS = ("correct-horse", "battery", "INSERT INTO", "SELECT ")


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    return file


def variables(port: int, database: str, password: Path) -> dict[str, str]:
    return {
        "INTERFERENCE_DATABASE_URL": f"postgresql://interference@127.0.0.1:{port}/{database}",
        "INTERFERENCE_DATABASE_PASSWORD_FILE": str(password),
    }


def migrate(home: Path, settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "interference_service", "migrate"],
        env=os.environ | {"INTERFERENCE_STATE_DIRECTORY": str(home)} | settings,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_migrate_makes_the_tables(postgres: PostgresServer, tmp_path: Path, password: Path):
    postgres.create("operated")
    for _ in range(2):
        done = migrate(tmp_path, variables(postgres.port, "operated", password))
        assert done.returncode == 0, done.stderr
    assert postgres.run("SELECT value FROM counters", database="operated") == [(0,)]
    postgres.drop("operated")


def test_a_database_that_is_away_is_told_in_one_line(tmp_path: Path, password: Path):
    settings = variables(free_port(), "jobs", password) | {"INTERFERENCE_START_SECONDS": "1"}
    done = migrate(tmp_path, settings)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be used: connection failed" in done.stderr.splitlines()[-1]
    assert "Connection refused" in done.stdout + done.stderr
    for secret in SECRETS:
        assert secret not in done.stdout + done.stderr


def test_a_service_outlives_its_database(
    postgres: PostgresServer, postgres_database: str, tmp_path: Path, password: Path, files: Path
):
    results = tmp_path / "shared"
    with between(postgres.port) as network:
        settings = FEW_RESOURCES | variables(network.port, postgres_database, password)
        settings["INTERFERENCE_ARTIFACTS_DIRECTORY"] = str(results)
        with (
            running_service(tmp_path, {"data": files}, settings) as running,
            Client(running.grpc) as client,
        ):
            job = submit(client).wait(timeout=150)
            assert postgres.kill_connections(postgres_database)
            assert job.refresh().state == "SUCCEEDED"
            network.cut(10_000)
            # The client tries by itself before it says so.
            with pytest.raises(Unavailable) as caught:
                job.refresh()
            assert caught.value.reason == "STORE_UNAVAILABLE"
            network.cut(0)
            eventually(lambda: job.refresh().result().classes)
            assert submit(client).wait(timeout=150).state == "SUCCEEDED"
    kept = {each.name for each in results.iterdir()} - {".owner"}
    assert len(kept) == 2
    log = (tmp_path / "service.log").read_text(errors="replace")
    for secret in SECRETS:
        assert secret not in log
