"""Processes of clients: each is told what to do, and answers with what it measured."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

_LONGEST_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Order:
    """What a process of clients does.

    Attributes:
        kind: ``get``, ``submit``, ``watch``, ``stream``, ``soak``, or ``await`` the first gradients.
        target: Address of the service.
        seconds: How long.
        in_flight: Calls at once; each answer is followed by the next call.
        rate: Calls a second that are begun whether others are answered or not; 0: by ``in_flight``.
        names: Jobs that it is about.
    """

    kind: str
    target: str
    seconds: float = 0.0
    in_flight: int = 1
    rate: float = 0.0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Latencies:
    """Of many calls.

    Attributes:
        count: Calls that were answered.
        errors: Calls that failed, by status code.
        per_second: Answers a second.
        p50: Median, in seconds; of a given rate from when the call was due.
        p99: Of every hundred calls one took longer.
        longest: The longest.
    """

    count: int
    errors: dict[str, int]
    per_second: float
    p50: float
    p99: float
    longest: float

    def __str__(self) -> str:
        failed = "".join(f", {count} {code}" for code, count in self.errors.items())
        return (
            f"p50 {_ms(self.p50)}, p99 {_ms(self.p99)}, longest {_ms(self.longest)}, "
            f"{self.per_second:,.0f}/s{failed}"
        )


def latencies(took: Sequence[float], errors: dict[str, int], seconds: float) -> Latencies:
    """Of single calls, made in so many seconds."""
    if not took:
        return Latencies(0, errors, 0.0, *(float("nan"),) * 3)
    p50, p99 = np.percentile(took, [50, 99])
    return Latencies(len(took), errors, len(took) / seconds, float(p50), float(p99), max(took))


class Clients:
    """A process of clients."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def heard(self) -> dict[str, Any]:
        """What it says next.

        Raises:
            RuntimeError: It has ended without a word.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"clients ended with {self._process.wait(_LONGEST_SECONDS)}")
        said: dict[str, Any] = json.loads(line)
        return said

    def go_on(self) -> None:
        """Let it do what comes next."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()


@contextmanager
def clients(order: Order, cores: set[int]) -> Iterator[Clients]:
    """Start a process of clients on given cores, and end it.

    Yields:
        The process.
    """
    command = [sys.executable, "-m", "benchmarks.service.child", json.dumps(asdict(order))]
    process = subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.sched_setaffinity(process.pid, cores)
    try:
        yield Clients(process)
        process.wait(_LONGEST_SECONDS)
    finally:
        process.kill()
        process.communicate()


def measured(order: Order, cores: set[int]) -> Latencies:
    """What clients that only call measured."""
    with clients(order, cores) as process:
        return Latencies(**process.heard())


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
