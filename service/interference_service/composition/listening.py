"""Where calls and scrapes are answered: who may make them, and what they may cost."""

import ssl
from collections.abc import Callable

import grpc
import structlog

from interference_service.domain.ports import Authenticator
from interference_service.rpc.connections import Connections
from interference_service.rpc.limits import CREATE, CallLimits
from interference_service.rpc.tls import server_credentials
from interference_service.security.access_file import open_access_file
from interference_service.security.authenticator import AccessAuthenticator
from interference_service.security.certificates import open_certificate
from interference_service.security.description import SecurityDescription, is_loopback
from interference_service.security.keys import open_keys
from interference_service.security.metrics_port import open_context
from interference_service.security.oidc import OidcTokens
from interference_service.settings import Settings
from interference_service.settings.parts import TelemetryPart
from interference_service.telemetry.prometheus import ServiceMetrics
from interference_service.telemetry.security import SecurityMetrics

_log = structlog.get_logger(__name__)


def address(host: str, port: int) -> str:
    """Host and port in one; an IPv6 address needs brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def authenticator(described: SecurityDescription, metrics: SecurityMetrics) -> Authenticator | None:
    """Who establishes who calls; None: nobody is told from another."""
    failed = metrics.count_reload_failure
    if described.access_file is None:
        return None
    access = open_access_file(described.access_file, failed)
    oidc = described.oidc
    return AccessAuthenticator(
        access, None if oidc is None else OidcTokens(oidc, open_keys(oidc, failed), access)
    )


def credentials(
    described: SecurityDescription, metrics: SecurityMetrics
) -> grpc.ServerCredentials | None:
    """For TLS, renewed with their files; None: plain text."""
    if described.certificate is None or described.key is None:
        return None
    certificate = open_certificate(
        described.certificate,
        described.key,
        described.client_authorities,
        metrics.count_reload_failure,
    )
    metrics.show_certificate_expiry(lambda: certificate.current().expires.timestamp())
    return server_credentials(certificate)


def metrics_tls(
    part: TelemetryPart, metrics: SecurityMetrics
) -> Callable[[], ssl.SSLContext] | None:
    """For TLS of the metrics port, renewed with its files; None: plain text."""
    if part.tls_certificate is None or part.tls_key is None:
        if not is_loopback(part.host):
            _log.warning("metrics_in_the_clear", host=part.host)
        return None
    return open_context(
        part.tls_certificate,
        part.tls_key,
        part.tls_client_authorities,
        metrics.count_reload_failure,
    ).current


def connections(settings: Settings) -> Connections:
    """What connections may cost."""
    part = settings.grpc
    return Connections(
        most=part.max_connections,
        streams=part.max_streams,
        handshake_seconds=part.handshake_seconds,
        idle_seconds=part.idle_seconds,
        age_seconds=part.age_seconds,
        grace_seconds=part.grace_seconds,
    )


def call_limits(settings: Settings, metrics: ServiceMetrics) -> CallLimits:
    """What calls may cost."""
    part = settings.grpc
    return CallLimits(
        unary_at_once=part.unary_at_once,
        unary_seconds=part.unary_seconds,
        # A trial reads the model, and then tries it on rows.
        longer={CREATE: part.unary_seconds + 2 * settings.compute.parse_seconds},
        write_seconds=part.write_seconds,
        stuck=metrics.observe_stuck_stream,
    )
