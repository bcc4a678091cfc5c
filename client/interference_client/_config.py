"""How to reach the service: arguments before environment before defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 50051
DEFAULT_TARGET = f"localhost:{DEFAULT_PORT}"
DEFAULT_PROJECT = "default"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the service is and how it is spoken to.

    Attributes:
        target: ``host:port``, or any name that gRPC resolves.
        project: Project of jobs that are named by id alone.
        token: Bearer token; empty for none.
        ca: Certificate authorities in PEM; None for the system's.
        certificate: Own certificate in PEM, for mutual TLS.
        key: Its key.
        insecure: Plaintext although the target is not this machine.
        patience_seconds: How long a watch keeps trying a service that does not answer.
    """

    target: str
    project: str
    token: str = ""
    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None
    insecure: bool = False
    patience_seconds: float = 120.0

    @property
    def loopback(self) -> bool:
        """Whether the target is this machine."""
        return self.target.removeprefix("dns:///").rpartition(":")[0] in _LOOPBACK

    @property
    def plaintext(self) -> bool:
        """Whether the connection is not encrypted."""
        return self.insecure or (self.loopback and self.ca is None and self.certificate is None)


def _with_port(target: str) -> str:
    """A bare host name with the usual port; gRPC would take another."""
    return target if ":" in target else f"{target}:{DEFAULT_PORT}"


def connection(
    target: str | None = None,
    *,
    project: str | None = None,
    token: str | None = None,
    ca: str | Path | None = None,
    certificate: str | Path | None = None,
    key: str | Path | None = None,
    insecure: bool | None = None,
    patience: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> Connection:
    """The connection of these arguments; what is None comes from ``INTERFERENCE_…`` variables.

    Raises:
        OSError: A file that is named cannot be read.
        ValueError: The patience is no number.
    """
    known = os.environ if environment is None else environment

    def setting(name: str) -> str:
        return known.get(f"INTERFERENCE_{name}", "")

    def file(path: str | Path | None, name: str) -> bytes | None:
        chosen = path or setting(name)
        return Path(chosen).read_bytes() if chosen else None

    if token is None:
        token_file = setting("TOKEN_FILE")
        token = setting("TOKEN") or (Path(token_file).read_text().strip() if token_file else "")
    if insecure is None:
        insecure = setting("INSECURE").lower() in {"1", "true", "yes"}
    return Connection(
        target=_with_port(target or setting("TARGET") or DEFAULT_TARGET),
        project=project or setting("PROJECT") or DEFAULT_PROJECT,
        token=token,
        ca=file(ca, "CA"),
        certificate=file(certificate, "CERT"),
        key=file(key, "KEY"),
        insecure=insecure,
        patience_seconds=float(setting("PATIENCE") or 120) if patience is None else patience,
    )
