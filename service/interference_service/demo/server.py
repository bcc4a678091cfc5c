"""A service in a process of its own, as an operator would start it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers."""

    grpc: str
    metrics: str
    process: "subprocess.Popen[bytes]"


class ServiceDied(RuntimeError):
    """The service ended, or did not answer in time; the message has the end of its log."""


@contextmanager
def running_service(
    directory: Path, stores: Mapping[str, Path], settings: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Start ``interference-service serve`` on free ports of this machine, and stop it at the end.

    Args:
        directory: Home of its state and its log.
        stores: Directories that it may read.
        settings: More of its variables.

    Yields:
        Its addresses, once it answers.

    Raises:
        ServiceDied: It ended, or did not answer in time.
    """
    ready, log = directory / "ready.json", directory / "service.log"
    ready.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "INTERFERENCE_PORT": "0",
        "INTERFERENCE_TELEMETRY__PORT": "0",
        "INTERFERENCE_STATE_DIRECTORY": str(directory / "state"),
        "INTERFERENCE_STORES": json.dumps({name: str(path) for name, path in stores.items()}),
        **(settings or {}),
    }
    command = [sys.executable, "-m", "interference_service", "serve", "--ready-file", str(ready)]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, env=environment, stdout=output, stderr=output
        )
    try:
        yield _await_ready(process, ready, log)
    finally:
        _stop(process)


def _await_ready(process: "subprocess.Popen[bytes]", ready: Path, log: Path) -> Running:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if ready.exists() and (text := ready.read_text()):
            return Running(**json.loads(text), process=process)
        time.sleep(_POLL_SECONDS)
    tail = log.read_text(errors="replace")[-2000:]
    raise ServiceDied(f"the service did not come up; the end of its log:\n{tail}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
