"""Clusters of several nodes on this machine, started as an operator would start them."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from support.network_ports import free_port
from support.processes import actors_below
from support.waiting import eventually

_FAST_CHECKS = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
"""A node that is gone is missed after seconds, not after a quarter of a minute."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """A cluster of a node that keeps it together and two that work, with a core each.

    Attributes:
        variables: Lead a service to it.
        working: Process groups of the nodes that work.
    """

    variables: dict[str, str]
    working: tuple[int, ...]

    def busy(self) -> list[int]:
        """Nodes of which an actor runs a unit now."""
        return [each for each in self.working if actors_below(each, "gradients")]


@contextmanager
def one_node(
    home: Path, environment: Mapping[str, str], num_cpus: int = 2
) -> Iterator[dict[str, str]]:
    """A cluster of one node, started as an operator would.

    Args:
        home: Of the logs.
        environment: Variables of the node beside those of this process.
        num_cpus: Its cores.

    Yields:
        Variables that lead a service to it.
    """
    port, token = free_port(), home / "token"
    token.write_text(secrets.token_hex(32))
    variables = {
        "RAY_ADDRESS": f"127.0.0.1:{port}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
    }
    head = (
        *("--head", f"--port={port}", f"--ray-client-server-port={free_port()}"),
        *("--node-ip-address=127.0.0.1", f"--num-cpus={num_cpus}"),
    )
    everything = {**os.environ, **environment, **variables}
    with _node(home, everything, "first", *head, "--include-dashboard=false"):
        yield variables


@contextmanager
def three_nodes(home: Path) -> Iterator[Nodes]:
    """A cluster of three nodes.

    Args:
        home: Of the logs.

    Yields:
        The cluster.
    """
    with ExitStack() as stack:
        variables = stack.enter_context(one_node(home, _FAST_CHECKS, num_cpus=0))
        started = partial(_node, home, os.environ | variables | _FAST_CHECKS)
        working = [
            stack.enter_context(
                started(
                    name,
                    f"--address={variables['RAY_ADDRESS']}",
                    f"--node-ip-address={address}",
                    "--num-cpus=1",
                )
            )
            for name, address in (("second", "127.0.0.2"), ("third", "127.0.0.3"))
        ]
        yield Nodes(variables, tuple(working))


def kill(group: int) -> None:
    """Kill every process of a node at once."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@contextmanager
def _node(home: Path, environment: dict[str, str], name: str, *arguments: str) -> Iterator[int]:
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--block", "--disable-usage-stats"),
        *(f"--object-store-memory={100 << 20}", *arguments),
    ]
    log = home / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=home,
            env=environment,
        )
    try:
        eventually(lambda: "Ray runtime started" in log.read_text(), what=f"node {name}")
        yield process.pid
    finally:
        kill(process.pid)
        process.wait(30)
