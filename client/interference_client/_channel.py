"""Channels: options, credentials, retries."""

import json

import grpc

from interference_client._config import Connection

UNARY_SECONDS = 20.0
"""Deadline of a unary call with all its retries, where the caller names none."""

_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": "interference.v1.AnalysisService"}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.2s",
                "maxBackoff": "5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
OPTIONS: list[tuple[str, str | int]] = [
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A result with thousands of classes exceeds the default of 4 MiB.
    ("grpc.max_receive_message_length", 32 << 20),
]


def call_metadata(connection: Connection) -> tuple[tuple[str, str], ...]:
    """Metadata of every call: the token, if there is one."""
    return (("authorization", f"Bearer {connection.token}"),) if connection.token else ()


def credentials(connection: Connection) -> grpc.ChannelCredentials | None:
    """Credentials of the channel; None for plaintext, which only loopback has by default."""
    if connection.plaintext:
        return None
    return grpc.ssl_channel_credentials(connection.ca, connection.key, connection.certificate)


def open_channel(connection: Connection) -> grpc.Channel:
    """A channel for synchronous calls."""
    secure = credentials(connection)
    if secure is None:
        return grpc.insecure_channel(connection.target, options=OPTIONS)
    return grpc.secure_channel(connection.target, secure, options=OPTIONS)


def open_aio_channel(connection: Connection) -> grpc.aio.Channel:
    """A channel for asynchronous calls."""
    secure = credentials(connection)
    if secure is None:
        return grpc.aio.insecure_channel(connection.target, options=OPTIONS)
    return grpc.aio.secure_channel(connection.target, secure, options=OPTIONS)
