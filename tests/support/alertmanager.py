"""A real Alertmanager, and what it makes of alerts."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from support.network_ports import free_port
from support.waiting import eventually

_SECONDS = 10
_NAMES = ("prometheus-alertmanager", "alertmanager")


class Alertmanager:
    """One that runs."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v2"

    def ready(self) -> bool:
        """Whether it answers yet."""
        try:
            return bool(self._ask(f"{self._url}/status"))
        except URLError:
            return False

    def fire(self, *alerts: Mapping[str, str]) -> None:
        """Tell it of alerts by their labels."""
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        self._ask(Request(f"{self._url}/alerts", body, {"Content-Type": "application/json"}))

    def inhibited(self) -> Sequence[Mapping[str, str]]:
        """Labels of the alerts that others silence."""
        return [
            each["labels"]
            for each in self._ask(f"{self._url}/alerts")
            if each["status"]["inhibitedBy"]
        ]

    def count(self) -> int:
        """How many alerts it knows."""
        return len(self._ask(f"{self._url}/alerts"))

    def _ask(self, request: Request | str) -> Any:
        with urlopen(request, timeout=_SECONDS) as answer:
            return json.loads(answer.read() or "null")


@contextmanager
def alertmanager(configuration: Path, home: Path) -> Iterator[Alertmanager]:
    """Run one by itself; the test is skipped where the program is missing.

    Args:
        configuration: Its file.
        home: Where it keeps what it knows.

    Yields:
        It, once it answers.
    """
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("alertmanager is missing (Debian: apt-get install prometheus-alertmanager)")
    port = free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={configuration}",
            f"--storage.path={home}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        running = Alertmanager(port)
        eventually(running.ready, within_seconds=30, what="Alertmanager answers")
        yield running
    finally:
        process.terminate()
        process.wait(_SECONDS)
