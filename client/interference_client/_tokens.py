"""Bearer tokens: fixed, from a file that changes, or from whoever is asked for them."""

import os
import threading
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from pathlib import Path
from typing import TypeAlias

from interference_client.errors import Unauthenticated

TokenSource: TypeAlias = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A token, or a function that is asked for one before every call."""


class TokenFile:
    """The token of a file, read again whenever the file is another, as projected tokens are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._version: tuple[int, int, int] | None = None
        self._token = ""

    def __call__(self) -> str:
        """The token as the file has it now.

        Raises:
            Unauthenticated: The file cannot be read.
        """
        try:
            with self._lock:
                found = os.stat(self._path)
                version = (found.st_ino, found.st_mtime_ns, found.st_size)
                if version != self._version:
                    self._token = self._path.read_text().strip()
                    self._version = version
                return self._token
        except (OSError, UnicodeDecodeError) as error:
            raise Unauthenticated(f"the token file {self._path} cannot be read: {error}") from None


def token_of(source: TokenSource) -> str:
    """The token for the next call; empty for none.

    Raises:
        Unauthenticated: It cannot be a token.
        TypeError: Only ``AsyncClient`` can wait for it.
    """
    found = source() if callable(source) else source
    if isawaitable(found):
        if hasattr(found, "close"):
            found.close()  # else the interpreter warns that nobody has awaited it
        raise TypeError("token is an asynchronous function; AsyncClient takes those")
    return _checked(found)


async def awaited_token(source: TokenSource) -> str:
    """The same where a function may have to be waited for."""
    found = source() if callable(source) else source
    return _checked(await found if isawaitable(found) else found)


def _checked(token: object) -> str:
    if not isinstance(token, str):
        raise TypeError(f"token is of type {type(token).__name__}; it must be a string")
    if not (token.isascii() and token.isprintable()) or " " in token:
        # The token itself is never told.
        raise Unauthenticated("the token has characters that no token has; give one, on one line")
    return token
