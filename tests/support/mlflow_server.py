"""A real tracking server of MLflow, from an environment of its own (`make test` makes it)."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from support.network_ports import free_port
from support.waiting import eventually

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-mlflow" / "bin" / "python"
MLMODEL = "flavors:\n  pytorch:\n    model_data: data\n    pytorch_version: 2.13.0\n"


@dataclass(frozen=True, slots=True)
class MlflowServer:
    """A server that answers.

    Attributes:
        uri: Of tracking.
        directory: What is logged goes below it, where a model names no place.
    """

    uri: str
    directory: Path

    def register(self, *models: dict[str, Any]) -> list[str]:
        """Log and register models; returns their versions. See ``mlflow_registration.register``."""
        script = Path(__file__).with_name("mlflow_registration.py")
        done = subprocess.run(
            [str(PYTHON), str(script)],
            input=json.dumps({"tracking_uri": self.uri, "models": models}),
            capture_output=True,
            text=True,
            env=_environment(),
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        versions: list[str] = json.loads(done.stdout)
        return versions


@contextmanager
def mlflow_server(directory: Path) -> Iterator[MlflowServer]:
    """Start a server that keeps everything in a directory; it is stopped at the end."""
    port, log = free_port(), directory / "server.log"
    command = [
        *(str(PYTHON), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{directory / 'mlflow.sqlite'}"),
        *("--artifacts-destination", str(directory / "artifacts")),
    ]
    with log.open("wb") as output:
        process = psutil.Popen(
            command, cwd=directory, env=_environment(), stdout=output, stderr=output
        )
    server = MlflowServer(f"http://127.0.0.1:{port}", directory / "artifacts")
    try:
        eventually(
            lambda: process.poll() is not None or _answers(server.uri),
            within_seconds=120,
            what="an answer of MLflow",
        )
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        yield server
    finally:
        ours = [process, *process.children(recursive=True)]
        for each in ours:
            each.terminate()
        psutil.wait_procs(ours, timeout=30, callback=None)


def log_model(directory: Path, archive: Path, name: str = "model.pt2") -> Path:
    """A directory as MLflow logs models, with an archive in it."""
    (directory / "data").mkdir(parents=True)
    (directory / "MLmodel").write_text(MLMODEL)
    shutil.copy(archive, directory / "data" / name)
    return directory


def _environment() -> dict[str, str]:
    """Without what leads to our own modules, and nothing told to anybody."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return kept | quiet


def _answers(uri: str) -> bool:
    try:
        with urlopen(f"{uri}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
