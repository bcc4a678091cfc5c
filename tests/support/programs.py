"""Servers of others that tests start, and ask whether they are ready."""

import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.waiting import eventually

SECONDS = 10
"""For an answer, and for an end."""
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks this machine itself, whatever proxy the environment names."""


@contextmanager
def running_program(command: Sequence[str], log: Path, port: int) -> Iterator[None]:
    """Run one of Prometheus' servers until the end.

    Args:
        command: Program and arguments.
        log: What it says.
        port: Where it is asked at ``/-/ready``.

    Yields:
        Nothing, once it is ready.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        eventually(
            lambda: process.poll() is not None or _ready(port),
            within_seconds=30,
            what=f"{command[0]} is ready",
        )
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def _ready(port: int) -> bool:
    try:
        with OPENER.open(f"http://127.0.0.1:{port}/-/ready", timeout=SECONDS) as answer:
            return answer.status == 200
    except OSError:
        return False
