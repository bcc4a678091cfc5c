"""The page of figures."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_READING = """\
A real service, whose process has one core to itself; clients are other processes on the next core. Ray's processes have the other cores,
and where there is none that of the clients, at a lower priority. Latencies are those that clients measure; at a given rate each counts
from when its call was due. Submissions are made durable, one fsync each, and stay pending: the only job that may run waits for a GPU.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure.

    Attributes:
        what: What was measured.
        target: What it should be; empty: there is no target.
        found: What it is.
    """

    what: str
    target: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: {self.found}" + (f" (target: {self.target})" if self.target else "")


def page(lines: Sequence[Line], database: str) -> str:
    """All figures."""
    written = datetime.now(UTC).date().isoformat()
    return "\n".join(
        [
            "# What the service bears",
            "",
            f"Written by `make bench-service` on {written}; {database}; {_machine()}.",
            "",
            _READING,
            *_table(lines),
            "",
        ]
    )


def _table(lines: Sequence[Line]) -> Iterator[str]:
    yield "| what | target | measured |"
    yield "| --- | --- | --- |"
    for line in lines:
        yield f"| {line.what} | {line.target} | {line.found} |"


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {len(models)} cores"
