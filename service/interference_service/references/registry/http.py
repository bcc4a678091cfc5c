"""Requests to the operator's tracking server, bounded in bytes and in time, never redirected."""

import base64
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import BinaryIO, TypeAlias

from interference_service.references import bounded_http
from interference_service.references.registry.description import (
    MlflowDescription,
    SecretMissing,
)

Get: TypeAlias = Callable[[str, BinaryIO, int, float], int]
"""Asks for a path with its query; writes the body, so many bytes at most, within so many seconds.

Returns the status, and raises RequestFailed.
"""


class RequestFailed(Exception):
    """A request had no answer; says why in words for a client, without those of the server."""


class TrackingServer:
    """A ``Get`` of one server; for any thread. Proxies of the environment are not used."""

    def __init__(self, description: MlflowDescription) -> None:
        """Ask nothing yet."""
        self._description = description

    def __call__(self, path: str, target: BinaryIO, most: int, seconds: float) -> int:
        """Ask; see ``Get``.

        Raises:
            RequestFailed: There was no whole answer.
        """
        try:
            return bounded_http.get(
                self._connection(seconds),
                self._description.prefix + path,
                self._headers(),
                target,
                most=most,
                seconds=seconds,
            )
        except SecretMissing as error:
            raise RequestFailed(
                "the service has no token for the registry; tell the operator"
            ) from error
        except bounded_http.TooLarge as error:
            raise RequestFailed(f"the registry's answer has more than {most} bytes") from error
        except (OSError, HTTPException, ValueError) as error:
            raise RequestFailed(
                "the registry did not answer in time; submit again later, and if it stays so tell "
                "the operator"
                if isinstance(error, TimeoutError)
                else "the registry cannot be reached, or broke off its answer "
                f"({type(error).__name__}); submit again later, and if it stays so tell the operator"
            ) from error

    def _connection(self, seconds: float) -> HTTPConnection:
        encrypted, host, port = self._description.address
        kind = HTTPSConnection if encrypted else HTTPConnection
        return kind(host, port, timeout=seconds)

    def _headers(self) -> dict[str, str]:
        headers = {}
        token = self._description.secret().get_secret_value()
        if token and self._description.username:
            pair = f"{self._description.username}:{token}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        elif token:
            headers["Authorization"] = f"Bearer {token}"
        return headers
