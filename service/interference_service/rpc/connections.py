"""What a connection may cost: how many there are, how long they live, what each may hold open."""

import resource
from collections.abc import Mapping
from dataclasses import dataclass

_MOST = 10_000
"""Connections at once, where the process might open more files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Limits on connections, as channel options of gRPC.

    Attributes:
        most: How many are held at once; 0: half as many as this process may open files.
        streams: Calls that one of them may have open at once; more of them wait.
        handshake_seconds: Within it a new one must have said what HTTP/2 begins with.
        idle_seconds: One without calls is closed after so long.
        age_seconds: One is asked to end after so long, busy or not, give or take a tenth.
        grace_seconds: Its calls may go on for so long after that.
    """

    most: int = 0
    streams: int = 100
    handshake_seconds: float = 5.0
    idle_seconds: float = 900.0
    age_seconds: float = 1_800.0
    grace_seconds: float = 60.0

    def options(self) -> Mapping[str, int]:
        """The options. A misspelt name is accepted silently, so tests look at effects."""
        return {
            "grpc.max_allowed_incoming_connections": self.most or _connections_within_the_files(),
            "grpc.max_concurrent_streams": self.streams,
            "grpc.server_handshake_timeout_ms": _milliseconds(self.handshake_seconds),
            "grpc.max_connection_idle_ms": _milliseconds(self.idle_seconds),
            "grpc.max_connection_age_ms": _milliseconds(self.age_seconds),
            "grpc.max_connection_age_grace_ms": _milliseconds(self.grace_seconds),
        }


def _connections_within_the_files() -> int:
    """The other half of the files is for the store, the cluster and the metrics."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if files == resource.RLIM_INFINITY else max(1, min(files // 2, _MOST))


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
