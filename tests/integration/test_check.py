"""``interference-service check`` and ``config``, against what is really there."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.buckets import KEYS, served
from support.network_ports import free_port

ENVIRONMENT = {
    "INTERFERENCE_COMPUTE__NUM_CPUS": "2",
    "INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES": str(100 << 20),
}


def command(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with variables that are given without their prefix."""
    named = {f"INTERFERENCE_{name}": value for name, value in variables.items()}
    return subprocess.run(
        [sys.executable, "-m", "interference_service", *arguments],
        env=os.environ | ENVIRONMENT | KEYS | named,
        capture_output=True,
        text=True,
        timeout=400,
    )


def outcomes(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    return {each["name"]: each["outcome"] for each in json.loads(done.stdout)["checks"]}


def text_of(done: "subprocess.CompletedProcess[str]", name: str) -> str:
    (found,) = [each for each in json.loads(done.stdout)["checks"] if each["name"] == name]
    return found["text"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_everything_is_looked_at_whatever_is_wrong_with_the_rest(tmp_path: Path):
    with served("s3") as bucket:
        good = bucket.said()
        stores = {"near": str(tmp_path), "far": good, "gone": good | {"bucket": "nobodys"}}
        done = command(
            "check",
            "--json",
            STORES=json.dumps(stores),
            STATE_DIRECTORY=str(tmp_path / "state"),
            MLFLOW__TRACKING_URI=f"http://127.0.0.1:{free_port()}",
            MLFLOW__TOKEN="hunter2",
        )
    assert done.returncode == 1
    assert json.loads(done.stdout)["well"] is False
    assert outcomes(done) == {
        "configuration": "ok",
        "database": "ok",
        "state directory": "ok",
        "results": "ok",
        "store near": "ok",
        "MLflow": "failed",
        "cluster": "ok",
        "store far": "ok",
        "store gone": "failed",
    }
    assert "bucket does not exist" in text_of(done, "store gone")
    assert "cannot be reached" in text_of(done, "MLflow")
    assert not [
        secret for secret in (*KEYS.values(), "hunter2") if secret in done.stdout + done.stderr
    ]
    assert not (tmp_path / "state").exists()


def test_what_is_read_through_the_cluster_is_left_out_with_it(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ("check", "--no-cluster", "--ports")
        state = str(tmp_path / "state")
        failed = command(*arguments, STATE_DIRECTORY=state, PORT=str(port))
    well = command(*arguments, STATE_DIRECTORY=state, PORT=str(port), TELEMETRY__PORT="0")
    assert (failed.returncode, well.returncode) == (1, 0)
    lines = failed.stdout.splitlines()
    assert f"failed  gRPC port: cannot listen on 127.0.0.1:{port}: Address already in use" in (
        line.partition(" ->")[0] for line in lines
    )
    assert "skipped cluster: left out with the cluster" in lines
    assert not failed.stderr


@pytest.mark.parametrize("arguments", [("check",), ("check", "--json")])
def test_settings_that_do_not_fit_are_all_told(arguments):
    done = command(*arguments, PORT="high", JOBS__CONCURRENCY="0")
    assert done.returncode == 1
    assert "INTERFERENCE_PORT: " in done.stdout
    assert "INTERFERENCE_JOBS__CONCURRENCY: " in done.stdout


def test_a_cluster_that_is_not_there_is_told():
    done = command("check", "--json", RAY_ADDRESS=f"127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert outcomes(done)["cluster"] == "failed"
    assert "cannot be reached" in text_of(done, "cluster")


def test_the_settings_in_effect_are_shown(tmp_path: Path):
    done = command("config", PORT="1234", DATABASE_URL="postgresql://me:hunter2@host/jobs")
    shown = json.loads(done.stdout)
    assert (shown["port"], shown["database_url"]) == (1234, "postgresql://me:***@host/jobs")
    assert done.returncode == 0
