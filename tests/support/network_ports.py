"""Ports of this machine."""

import itertools
import os
import random
import socket

RANGE = range(20_000, 32_768)
"""Above the ports of Ray's workers, below those that systems lend to outgoing connections.

A port that the system itself offers may be lent again before the server that it is for has
started, to any connection and to any of Ray's processes.
"""
_SHARES = 16
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_SHARE = RANGE[_WORKER % _SHARES :: _SHARES]
"""No two workers of a test run are told the same port."""
_CANDIDATES = itertools.cycle(random.SystemRandom().sample(_SHARE, len(_SHARE)))


def free_port() -> int:
    """A port that nobody listens at, and that is not told again soon."""
    return next(port for port in itertools.islice(_CANDIDATES, len(_SHARE)) if _is_free(port))


def listens(port: int) -> bool:
    """Whether somebody listens at a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
