"""One GET over HTTP, bounded in bytes and in time, never redirected."""

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20


class TooLarge(ValueError):
    """The answer has more bytes than it may have."""


def get(
    connection: HTTPConnection,
    path: str,
    headers: Mapping[str, str],
    target: BinaryIO,
    *,
    most: int,
    seconds: float,
) -> int:
    """Ask for a path and write the body of the answer; returns the status.

    Args:
        connection: To the server, not yet connected, with a timeout of its own; closed in the end.
        path: With its query.
        headers: More of them.
        target: Takes the body.
        most: Bytes that the body may have.
        seconds: For all of it, once the connection stands.

    Raises:
        TimeoutError: It took longer.
        TooLarge: There is more.
        OSError: The server cannot be reached, or breaks off.
        HTTPException: What it says is not HTTP.
    """
    late = threading.Event()
    try:
        connection.connect()
        # The timeout of a socket is for one byte; this one is for all of them.
        timer = threading.Timer(seconds, _cut, (connection.sock, late))
        timer.daemon = True
        timer.start()
        try:
            usual = {"Accept-Encoding": "identity", "Connection": "close"}
            connection.request("GET", path, headers={**usual, **headers})
            response = connection.getresponse()
            _copy(response, target, most)
        except Exception as error:
            if late.is_set():
                raise TimeoutError from error
            raise
        finally:
            timer.cancel()
        if late.is_set():
            # What was cut may look like an end.
            raise TimeoutError
    finally:
        connection.close()
    return response.status


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
            raise TooLarge(f"the answer has more than {most} bytes")
        target.write(chunk)
    # What is left of the announced length, where one was.
    if response.length:
        raise ConnectionError("the answer was cut")
