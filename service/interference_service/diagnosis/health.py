"""The question of a probe, asked from within the machine or container of the service."""

import http.client
import ssl

from interference_service.settings.parts import TelemetryPart

_SECONDS = 5.0
_LONGEST = 200
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what listens there is asked here


def why_not(part: TelemetryPart, path: str) -> str:
    """Why the service does not say yes; empty: it does.

    Args:
        part: Says where its metrics port is.
        path: ``/healthz`` or ``/readyz``.
    """
    if part.port == 0:
        return "set INTERFERENCE_TELEMETRY__PORT, as for the service; 0 does not say where it is"
    host = _LOOPBACK.get(part.host, part.host)
    try:
        status, text = _asked(host, part, path)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"no answer on {host}:{part.port}: {why}"
    return "" if status == http.client.OK else f"{path} says {status}: {text}"


def _asked(host: str, part: TelemetryPart, path: str) -> tuple[int, str]:
    if part.tls_certificate is None:
        connection = http.client.HTTPConnection(host, part.port, timeout=_SECONDS)
    else:
        connection = http.client.HTTPSConnection(
            host, part.port, timeout=_SECONDS, context=_any_certificate()
        )
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(_LONGEST).decode(errors="replace").strip()
    finally:
        connection.close()


def _any_certificate() -> ssl.SSLContext:
    """Trusts whoever answers: certificates name the host that others know, not this address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
