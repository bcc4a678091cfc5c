"""A service that cannot start says why in one line."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy

from support.network_ports import free_port


@pytest.fixture
def taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def service(tmp_path: Path, *arguments: str, **variables: str):
    environment = os.environ | {
        "INTERFERENCE_PORT": "0",
        "INTERFERENCE_TELEMETRY__PORT": "0",
        "INTERFERENCE_STATE_DIRECTORY": str(tmp_path / "state"),
        "INTERFERENCE_COMPUTE__NUM_CPUS": "1",
        "INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES": str(100 << 20),
        **{f"INTERFERENCE_{name}": value for name, value in variables.items()},
    }
    command = [sys.executable, "-m", "interference_service", *(arguments or ("serve",))]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)


def complaint(done: "subprocess.CompletedProcess[str]") -> str:
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["PORT", "TELEMETRY__PORT"])
def test_a_port_that_is_taken_is_named(tmp_path: Path, taken_port, name):
    done = service(tmp_path, **{name: str(taken_port)})
    assert done.returncode == 1
    assert f"127.0.0.1:{taken_port}" in complaint(done)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("STORES", "nonsense", "INTERFERENCE_STORES="),
        ("STORES", json.dumps({"models": "/nowhere"}), "'/nowhere', which is not a directory"),
        ("PORT", "high", "INTERFERENCE_PORT: "),
        ("COMPUTE__GPUS_PER_ACTOR", "1.5", "1.5 is neither a fraction of one GPU nor a number of"),
        ("JOBS__CONCURRENCY", "0", "INTERFERENCE_JOBS__CONCURRENCY: "),
        (
            "HOST",
            "0.0.0.0",
            "set INTERFERENCE_SECURITY__CERTIFICATE and INTERFERENCE_SECURITY__KEY",
        ),
        ("SECURITY__KEY", "/nowhere", "certificate and key are set together"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(tmp_path: Path, name, value, expected):
    done = service(tmp_path, **{name: value})
    assert done.returncode == 2
    assert expected in complaint(done)


def test_a_file_of_who_may_call_that_does_not_fit_is_named(tmp_path: Path):
    access = tmp_path / "access.jsonl"
    access.write_text('{"name": "a", "token": "gi_the-secret-itself", "grants": {"*": "reader"}}')
    done = service(tmp_path, SECURITY__ACCESS_FILE=str(access))
    assert done.returncode == 1
    assert f"{access}: line 1: token: " in complaint(done)
    assert "the-secret-itself" not in done.stderr


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    done = service(tmp_path, STATE_DIRECTORY=str(tmp_path / "file" / "state"))
    assert done.returncode == 1
    assert str(tmp_path / "file" / "state") in complaint(done)


def test_a_database_that_does_not_come_up_is_waited_for_and_named(tmp_path: Path):
    url = f"postgresql+psycopg://me:hunter2@127.0.0.1:{free_port()}/jobs"
    done = service(tmp_path, DATABASE_URL=url, START_SECONDS="1")
    assert done.returncode == 1
    assert "the database postgresql+psycopg://127.0.0.1:" in complaint(done)
    waits = [json.loads(line) for line in done.stderr.splitlines()[:-1]]
    assert {line["event"] for line in waits} == {"database_not_there"}
    assert "hunter2" not in done.stderr


def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path):
    assert service(tmp_path, "migrate").returncode == 0
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'state' / 'jobs.sqlite'}")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("update alembic_version set version_num = 'r9999'"))
    engine.dispose()
    done = service(tmp_path)
    assert done.returncode == 1
    assert "the database has the schema r9999" in complaint(done)


def test_migrate_makes_the_tables_without_starting_anything(tmp_path: Path):
    assert service(tmp_path, "migrate").returncode == 0
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'state' / 'jobs.sqlite'}")
    assert "alembic_version" in sqlalchemy.inspect(engine).get_table_names()
    engine.dispose()
