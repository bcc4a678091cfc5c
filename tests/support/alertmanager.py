"""A real Alertmanager, and what it makes of alerts."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest

from support.network_ports import free_port
from support.programs import OPENER, SECONDS, running_program

_NAMES = ("prometheus-alertmanager", "alertmanager")


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One that runs."""

    port: int

    def fire(self, *alerts: Mapping[str, str]) -> None:
        """Tell it of alerts by their labels."""
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        self._ask(body)

    def inhibited(self) -> Sequence[Mapping[str, str]]:
        """Labels of the alerts that others silence."""
        return [each["labels"] for each in self._ask() if each["status"]["inhibitedBy"]]

    def count(self) -> int:
        """How many alerts it knows."""
        return len(self._ask())

    def _ask(self, body: bytes | None = None) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v2/alerts"
        request = Request(url, body, {"Content-Type": "application/json"})
        with OPENER.open(request, timeout=SECONDS) as answer:
            return json.loads(answer.read() or "null")


@contextmanager
def alertmanager(configuration: Path, home: Path) -> Iterator[Alertmanager]:
    """Run one by itself; the test is skipped where the program is missing.

    Args:
        configuration: Its file.
        home: Where it keeps what it knows, and its log.

    Yields:
        It, once it answers.
    """
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("alertmanager is missing (Debian: apt-get install prometheus-alertmanager)")
    port = free_port()
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.path={home / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with running_program(command, home / "alertmanager.log", port):
        yield Alertmanager(port)
