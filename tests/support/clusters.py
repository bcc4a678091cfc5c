"""Clusters of several nodes on this machine, started as an operator would start them."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from support.waiting import eventually

_FAST_CHECKS = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
"""A node that is gone is missed after seconds, not after a quarter of a minute."""


@dataclass(frozen=True, slots=True)
class TwoNodes:
    """A cluster of two nodes.

    Attributes:
        variables: Lead a service to it.
        second: Process group of the node without the cluster's own processes.
    """

    variables: dict[str, str]
    second: int

    def lose_second(self) -> None:
        """Kill every process of the second node at once."""
        _kill(self.second)

    def computes_on_second(self) -> bool:
        """Whether an actor of the second node runs a unit."""
        for process in psutil.Process(self.second).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "ray::GradientActor.gradients" in " ".join(process.cmdline()):
                    return True
        return False


@contextmanager
def two_nodes(home: Path) -> Iterator[TwoNodes]:
    """A cluster of a node with one core and one with two.

    Args:
        home: Of the logs.
    """
    port, token = _free_port(), home / "token"
    token.write_text(secrets.token_hex(32))
    variables = {
        "RAY_ADDRESS": f"127.0.0.1:{port}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
    }
    head = ("--head", f"--port={port}", "--node-ip-address=127.0.0.1", "--num-cpus=1")
    other = (f"--address=127.0.0.1:{port}", "--node-ip-address=127.0.0.2", "--num-cpus=2")
    environment = os.environ | variables | _FAST_CHECKS | {"PYTHONUNBUFFERED": "1"}
    with ExitStack() as stack:
        stack.enter_context(_node(home / "first.log", environment, *head))
        second = stack.enter_context(_node(home / "second.log", environment, *other))
        yield TwoNodes(variables, second)


@contextmanager
def _node(log: Path, environment: dict[str, str], *arguments: str) -> Iterator[int]:
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--block", "--disable-usage-stats"),
        *(f"--object-store-memory={100 << 20}", *arguments),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, env=environment
        )
    try:
        eventually(lambda: "runtime started" in log.read_text(), what=f"the node of {log.name}")
        yield process.pid
    finally:
        _kill(process.pid)
        process.wait(30)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
