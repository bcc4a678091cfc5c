"""How to reach the service: arguments before environment before the user's file before defaults."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any, TypedDict

from interference_client._contexts import SECRETS, context_settings
from interference_client._keywords import check_keywords
from interference_client._tokens import TokenFile, TokenSource

DEFAULT_PORT = 50051
DEFAULT_TARGET = f"localhost:{DEFAULT_PORT}"
DEFAULT_PROJECT = "default"
DEFAULT_PATIENCE_SECONDS = 120.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_VARIABLES: Mapping[str, str] = {
    "target": "TARGET",
    "project": "PROJECT",
    "token": "TOKEN",
    "token_file": "TOKEN_FILE",
    "ca": "CA",
    "certificate": "CERT",
    "key": "KEY",
    "insecure": "INSECURE",
    "patience": "PATIENCE",
}
_FLAGS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes"), True),
    **dict.fromkeys(("0", "false", "no"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the service is and how it is spoken to.

    Attributes:
        target: ``host:port``, or any name that gRPC resolves.
        project: Project of jobs that are named by id alone.
        token: Bearer token, or who is asked for it; empty for none.
        ca: Certificate authorities in PEM; None for the system's.
        certificate: Own certificate in PEM, for mutual TLS.
        key: Its key.
        insecure: Plaintext although the target is not this machine.
        patience_seconds: How long a watch keeps trying a service that does not answer.
    """

    target: str
    project: str
    token: TokenSource = field(default="", repr=False)
    ca: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    insecure: bool = False
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS

    @property
    def loopback(self) -> bool:
        """Whether the target is this machine."""
        if self.target.startswith("unix:"):
            return True
        addresses = self.target.removeprefix("dns:///").removeprefix("ipv4:").removeprefix("ipv6:")
        return all(each.rpartition(":")[0] in _LOOPBACK for each in addresses.split(","))

    @property
    def replicated(self) -> bool:
        """Whether the target may stand for several replicas, as a headless service does.

        The two addresses of ``localhost`` are one service, and where the first is refused, what the
        second says is to be told.
        """
        return not self.loopback or "," in self.target

    @property
    def plaintext(self) -> bool:
        """Whether the connection is not encrypted."""
        return self.insecure or (self.loopback and self.ca is None and self.certificate is None)

    @property
    def renewable(self) -> bool:
        """Whether another token can be had."""
        return callable(self.token)


class Access(TypedDict, total=False):
    """How the service is spoken to.

    What is missing or None comes from ``INTERFERENCE_TARGET``, ``_PROJECT``, ``_TOKEN``,
    ``_TOKEN_FILE``, ``_CA``, ``_CERT``, ``_KEY``, ``_INSECURE``, ``_PATIENCE`` and ``_CONTEXT``, then
    from the user's file of contexts, ``~/.config/gradient-interference/config.toml`` or
    ``INTERFERENCE_CONFIG``.

    Attributes:
        context: Name of a context of that file; it goes before the environment, of which a context
            with a target takes no token, certificate or ``insecure``.
        project: Project of jobs that are named by id alone; default ``default``.
        token: Bearer token, or a function that is asked before every call, and once more where the
            service refuses what it gave; it may be asynchronous for ``AsyncClient``, which calls it
            within the event loop. Sent over TLS or to this machine, in the clear only if
            ``insecure``.
        token_file: File that holds the token, in its place; it is read again when it changes.
        ca: File of certificate authorities; default: the system's.
        certificate: File of the own certificate, for mutual TLS.
        key: File of its key.
        insecure: Plaintext although the target is not this machine.
        patience: Seconds that a watch keeps trying a service that does not answer.
    """

    context: str | None
    project: str | None
    token: TokenSource | None
    token_file: str | Path | None
    ca: str | Path | None
    certificate: str | Path | None
    key: str | Path | None
    insecure: bool | None
    patience: float | None


def connection(
    target: str | None, access: Access, environment: Mapping[str, str] | None = None
) -> Connection:
    """The connection of these arguments, with what they leave open from elsewhere.

    Raises:
        OSError: A file that is named cannot be read.
        TypeError: There is no such argument.
        ValueError: Something does not fit.
    """
    check_keywords(access, Access.__optional_keys__)
    known = os.environ if environment is None else environment
    layers = _layers(target, access, known)

    def first(name: str) -> Any:
        return next((layer[name] for layer in layers if name in layer), None)

    def file(name: str) -> bytes | None:
        path = first(name)
        return None if path is None else Path(path).read_bytes()

    ca, certificate, key = file("ca"), file("certificate"), file("key")
    insecure = bool(first("insecure"))
    if insecure and not ca is certificate is None:
        raise ValueError("insecure means plaintext, which no ca and no certificate belong to")
    if (certificate is None) != (key is None):
        missing = "key" if key is None else "certificate"
        raise ValueError(f"mutual TLS takes a certificate and its key; the {missing} is missing")
    return Connection(
        target=_checked_target(first("target") or DEFAULT_TARGET),
        project=first("project") or DEFAULT_PROJECT,
        token=_token(layers),
        ca=ca,
        certificate=certificate,
        key=key,
        insecure=insecure,
        patience_seconds=_patience(first("patience")),
    )


def _layers(
    target: str | None, access: Access, environment: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """What is set, by whom goes first."""
    arguments = {name: value for name, value in access.items() if value is not None}
    if target is not None:
        arguments["target"] = target
    variables: dict[str, Any] = {
        name: environment[f"INTERFERENCE_{variable}"]
        for name, variable in _VARIABLES.items()
        if environment.get(f"INTERFERENCE_{variable}")
    }
    if "insecure" in variables:
        variables["insecure"] = _flag(variables["insecure"])
    named = access.get("context") or ""
    context = context_settings(named or environment.get("INTERFERENCE_CONTEXT", ""), environment)
    before = [arguments] if named else [arguments, variables]
    if "target" in context:
        # Else the token of one service would go to another.
        if any("target" in layer for layer in before):
            context = _without_secrets(context)
        elif named:
            variables = _without_secrets(variables)
    return [arguments, context, variables] if named else [arguments, variables, context]


def _without_secrets(layer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in layer.items() if name not in SECRETS}


def _token(layers: list[Mapping[str, Any]]) -> TokenSource:
    for layer in layers:
        if "token" in layer and "token_file" in layer:
            raise ValueError("token and token_file are both given; one of them is enough")
        if "token" in layer:
            token: TokenSource = layer["token"]
            return token
        if "token_file" in layer:
            path = Path(layer["token_file"])
            path.read_text()  # a mistake in its name is told now
            return TokenFile(path)
    return ""


def _checked_target(target: str) -> str:
    """A host without a port with the usual one; gRPC would take another."""
    if target.startswith(("http://", "https://")):
        raise ValueError(
            f"target {target!r} is a URL; write host:port, as service.example:{DEFAULT_PORT} (TLS is "
            "used unless the target is this machine or insecure is given)"
        )
    if "," in target and not target.startswith(("ipv4:", "ipv6:")):
        raise ValueError(
            f"target {target!r} names several hosts; give a name that resolves to all of them, as "
            "dns:///service.namespace.svc:50051, or addresses, as ipv4:10.0.0.1:50051,10.0.0.2:50051"
        )
    if _is_ipv6(target):
        return f"[{target}]:{DEFAULT_PORT}"
    host = target.rpartition("/")[2] if target.startswith("dns:") else target
    bare = host.endswith("]") or ":" not in host.removeprefix("dns:")
    return f"{target}:{DEFAULT_PORT}" if bare else target


def _is_ipv6(target: str) -> bool:
    try:
        IPv6Address(target)
    except ValueError:
        return False
    return True


def _patience(value: Any) -> float:
    if value is None:
        return DEFAULT_PATIENCE_SECONDS
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise ValueError(f"patience is {value!r}; it must be 0 or more seconds")
    return seconds


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(f"INTERFERENCE_INSECURE is {text!r}; it must be true or false")
    return _FLAGS[text.lower()]
