"""The log of a service, and those of its workers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from interference_service.demo.server import Running

_SESSION = re.compile(r"--session[-_]dir=(\S+)")


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Every line of a log; one that is no JSON object is an error."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def session_of(service: Running) -> Path:
    """Where the local cluster of a service keeps its files."""
    for process in psutil.Process(service.process.pid).children(recursive=True):
        try:
            found = _SESSION.search(" ".join(process.cmdline()))
        except psutil.NoSuchProcess:
            continue
        if found:
            return Path(found[1])
    raise AssertionError("the service has no local cluster")


def worker_lines(session: Path) -> Iterator[dict[str, Any]]:
    """Lines of the logs of all workers that are JSON objects, which ours are."""
    for log in (session / "logs").glob("worker-*.err"):
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                yield json.loads(line)
