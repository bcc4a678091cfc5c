"""Requests to the operator's tracking server, bounded in bytes and in time, never redirected."""

import base64
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import BinaryIO, TypeAlias

from interference_service.references.registry.description import (
    MlflowDescription,
    SecretMissing,
)

_CHUNK_BYTES = 1 << 20

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
        connection = self._connection(seconds)
        late = threading.Event()
        try:
            headers = self._headers()
            connection.connect()
            # The timeout of a socket is for one byte; this one is for all of them.
            timer = threading.Timer(seconds, _cut, (connection.sock, late))
            timer.daemon = True
            timer.start()
            try:
                connection.request("GET", self._description.prefix + path, headers=headers)
                response = connection.getresponse()
                _copy(response, target, most)
            finally:
                timer.cancel()
            if late.is_set():
                # What was cut may look like an end.
                raise TimeoutError
        except SecretMissing as error:
            raise RequestFailed(
                "the service has no token for the registry; tell the operator"
            ) from error
        except (OSError, HTTPException, ValueError) as error:
            slow = late.is_set() or isinstance(error, TimeoutError)
            raise RequestFailed(
                "the registry did not answer in time; submit again later, and if it stays so tell "
                "the operator"
                if slow
                else "the registry cannot be reached, or broke off its answer "
                f"({type(error).__name__}); submit again later, and if it stays so tell the operator"
            ) from error
        finally:
            connection.close()
        return response.status

    def _connection(self, seconds: float) -> HTTPConnection:
        encrypted, host, port = self._description.address
        kind = HTTPSConnection if encrypted else HTTPConnection
        return kind(host, port, timeout=seconds)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "Connection": "close"}
        token = self._description.secret().get_secret_value()
        if token and self._description.username:
            pair = f"{self._description.username}:{token}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        elif token:
            headers["Authorization"] = f"Bearer {token}"
        return headers


def _cut(connected: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        # An encrypted socket would first say goodbye, in the thread that is not its own.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _copy(response: HTTPResponse, target: BinaryIO, most: int) -> None:
    copied = 0
    while chunk := response.read(_CHUNK_BYTES):
        copied += len(chunk)
        if copied > most:
            raise RequestFailed(f"the registry's answer has more than {most} bytes")
        target.write(chunk)
    # What is left of the announced length, where one was.
    if response.length:
        raise ConnectionError("the answer was cut")
