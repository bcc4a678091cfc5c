"""``interference check``: whether this client can work with its service, and if not, why."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from interference_client import _cli_exit as exits
from interference_client._cli_exit import Exit
from interference_client._cli_mistakes import as_given
from interference_client._cli_output import Output, error_document, limit_text
from interference_client._client import Client
from interference_client._config import Access, Connection, connection
from interference_client._version import client_version, older
from interference_client.errors import InterferenceError


def check(arguments: argparse.Namespace, access: Access, output: Output) -> int:
    """Connect to the service and say what is wrong, if anything is."""
    with as_given():
        known = connection(arguments.target, access)
    found: dict[str, Any] = {
        "target": known.target,
        "project": known.project,
        "encrypted": not known.plaintext,
        "token": bool(known.token),
        "client_version": client_version(),
    }
    lines = [f"     target {known.target} ({_security(known)}), project {known.project}"]
    status = Exit.PASSED
    with Client(arguments.target, **access) as client:
        try:
            lines.extend(f"ok   {line}" for line in _steps(client, found))
        except InterferenceError as error:
            status = exits.of_error(error)
            found["error"] = error_document(error)
            lines.append(f"FAIL {error}")
    if status is Exit.PASSED and older(client_version(), found["minimum_client_version"]):
        status = Exit.INVALID
        lines.append(
            f"FAIL this client is {client_version()}, and the service wants "
            f"{found['minimum_client_version']} or newer"
        )
    output.document(found | {"ok": status is Exit.PASSED}, "\n".join(lines))
    return status


def _steps(client: Client, found: dict[str, Any]) -> Iterator[str]:
    """What is tried, one after the other.

    Yields:
        What has worked.
    """
    begun = time.perf_counter()
    server = client.server_info()
    found["server"] = asdict(server)
    found["minimum_client_version"] = server.minimum_client_version
    found["milliseconds"] = round((time.perf_counter() - begun) * 1000, 1)
    yield (
        f"connected: service {server.version}, engine {server.engine_version}, in "
        f"{found['milliseconds']:g} ms"
    )
    yield f"capabilities: {', '.join(server.capabilities) or 'none'}"
    yield ", ".join(f"{name} {limit_text(value)}" for name, value in server.limits.items())
    list(islice(client.list(page_size=1), 1))
    yield "permitted: the project's jobs can be listed"


def _security(known: Connection) -> str:
    how = "plaintext" if known.plaintext else "TLS"
    own = ", with a certificate" if known.certificate and not known.plaintext else ""
    return f"{how}{own}, {'with a' if known.token else 'no'} token"
