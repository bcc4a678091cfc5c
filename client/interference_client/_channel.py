"""Channels: options and credentials."""

import json
import sys

import grpc

from interference_client._config import Connection
from interference_client._version import client_version

_ROUND_ROBIN = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
_OPTIONS: list[tuple[str, str | int]] = [
    # By which the service knows this client; it may ask for a newer one.
    ("grpc.primary_user_agent", f"interference-client/{client_version()}"),
    # The next attempt finds a service that is back, rather than a channel that still waits.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 10_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A result with thousands of classes exceeds the default of 4 MiB.
    ("grpc.max_receive_message_length", 32 << 20),
]


def channel_options(connection: Connection) -> list[tuple[str, str | int]]:
    """Options of a channel, which uses all replicas that its target stands for."""
    return [*_OPTIONS, ("grpc.service_config", _ROUND_ROBIN)] if connection.replicated else _OPTIONS


def call_metadata(token: str) -> tuple[tuple[str, str], ...]:
    """Metadata of a call: the token, if there is one, and the trace that the caller is in."""
    return (*((("authorization", f"Bearer {token}"),) if token else ()), *_trace_context())


def _trace_context() -> tuple[tuple[str, str], ...]:
    """Headers of W3C Trace Context; none for a program that does not use OpenTelemetry."""
    # Who is in a trace has imported it, so nobody else pays for it.
    if "opentelemetry.trace" not in sys.modules:
        return ()
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return tuple(headers.items())


def credentials(connection: Connection) -> grpc.ChannelCredentials | None:
    """Credentials of the channel; None for plaintext, which only loopback has by default."""
    if connection.plaintext:
        return None
    return grpc.ssl_channel_credentials(connection.ca, connection.key, connection.certificate)


def open_channel(connection: Connection) -> grpc.Channel:
    """A channel for synchronous calls."""
    secure = credentials(connection)
    if secure is None:
        return grpc.insecure_channel(connection.target, options=channel_options(connection))
    return grpc.secure_channel(connection.target, secure, options=channel_options(connection))


def open_aio_channel(connection: Connection) -> grpc.aio.Channel:
    """A channel for asynchronous calls."""
    secure = credentials(connection)
    if secure is None:
        return grpc.aio.insecure_channel(connection.target, options=channel_options(connection))
    return grpc.aio.secure_channel(connection.target, secure, options=channel_options(connection))
