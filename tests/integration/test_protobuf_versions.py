"""The client beside every version of protobuf that its neighbours in an environment ask for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
OLDEST_GRPC = "grpcio==1.76.0"
SCRIPT = """
import google.protobuf, sys
from interference_client import Client, Gate, ModelReference, ParquetData, tensor
from interference_client.testing import FakeService
data = ParquetData("rows://r.parquet", label="label", inputs={"x": tensor("x")})
with FakeService() as service, Client(service.target) as client:
    model = ModelReference("models://m.pt2", monitor="solar")
    gate = Gate.parse("learns:summary/worst_progress_ratio>=0")
    job = client.submit(model, data, gates=[gate], labels={"a": "b"}).wait(timeout=60)
    job.check_gates()
    assert job.result().conflict().shape == (2, 2)
    assert [each.name for each in client.list(monitor="solar")] == [job.name]
print(google.protobuf.__version__)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("protobuf", "found", "more"),
    [
        ("protobuf==6.31.1", "6.31.1", [OLDEST_GRPC]),
        ("protobuf>=6.33,<6.34", "6.33.", []),
        ("protobuf>=7,<8", "7.", []),
    ],
    ids=["6.31.1", "6.33", "7"],
)
def test_the_client_makes_a_round_trip(tmp_path: Path, protobuf, found, more):
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    quiet = ("--quiet", "--disable-pip-version-check")
    run(python, "-m", "pip", "install", *quiet, protobuf, *more, PROJECT)
    assert run(python, "-c", SCRIPT, cwd=tmp_path).startswith(found)


def run(*command: object, cwd: Path = PROJECT) -> str:
    """Run a command, away from the sources; its output, and its errors where it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=800,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
