"""How to reach the service: arguments before environment before defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

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


class Access(TypedDict, total=False):
    """How the service is spoken to; what is missing or None comes from the environment.

    Attributes:
        project: Project of jobs that are named by id alone; default ``default``.
        token: Bearer token; sent over TLS or to this machine, in the clear only if ``insecure``.
        ca: File of certificate authorities; default: the system's.
        certificate: File of the own certificate, for mutual TLS.
        key: File of its key.
        insecure: Plaintext although the target is not this machine.
        patience: Seconds that a watch keeps trying a service that does not answer.
    """

    project: str | None
    token: str | None
    ca: str | Path | None
    certificate: str | Path | None
    key: str | Path | None
    insecure: bool | None
    patience: float | None


def connection(
    target: str | None, access: Access, environment: Mapping[str, str] | None = None
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

    token, insecure, patience = (
        access.get("token"),
        access.get("insecure"),
        access.get("patience"),
    )
    if token is None:
        token_file = setting("TOKEN_FILE")
        token = setting("TOKEN") or (Path(token_file).read_text().strip() if token_file else "")
    if insecure is None:
        insecure = setting("INSECURE").lower() in {"1", "true", "yes"}
    return Connection(
        target=_with_port(target or setting("TARGET") or DEFAULT_TARGET),
        project=access.get("project") or setting("PROJECT") or DEFAULT_PROJECT,
        token=token,
        ca=file(access.get("ca"), "CA"),
        certificate=file(access.get("certificate"), "CERT"),
        key=file(access.get("key"), "KEY"),
        insecure=insecure,
        patience_seconds=float(setting("PATIENCE") or 120) if patience is None else patience,
    )
