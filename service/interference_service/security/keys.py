"""Public keys of an issuer of tokens (JWKS, RFC 7517)."""

import asyncio
import io
import json
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt
import structlog

from interference_service.domain.access import Refusal, Source
from interference_service.errors import AuthenticationUnavailable
from interference_service.references import bounded_http
from interference_service.security.description import OidcDescription
from interference_service.security.watched import Failed, UnusableFile, Watched, read_bytes

MOST_BYTES = 1 << 20
_COOLDOWN_SECONDS = 10.0
"""The issuer is asked at most this often, whatever keys callers make up."""
_MOST_WAITING = 200
"""Calls that wait for its answer; more are refused, since callers may make up any number."""

_log = structlog.stdlib.get_logger(__name__)

KeySet = Mapping[tuple[str | None, str], jwt.PyJWK]
"""By id and algorithm; where a token names no key, under no id, if there is only one that fits."""
NO_KEYS: KeySet = MappingProxyType({})


class Keys(Protocol):
    """Where the keys are."""

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of that id, for that algorithm; None: the issuer has none.

        Raises:
            AuthenticationUnavailable: Nobody knows, for the issuer does not answer.
        """


class UnusableKeys(ValueError):
    """What should be keys is none, or there is none that fits."""


def parse_keys(text: bytes, algorithms: Collection[str]) -> KeySet:
    """The keys of a set that are for signatures by one of the algorithms; others are left out.

    Raises:
        UnusableKeys: It is no set of keys, or none of them fits.
    """
    try:
        described = list(json.loads(text)["keys"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnusableKeys("is not a JSON Web Key Set") from error
    found = [key for each in described for key in _usable(each, algorithms)]
    if not found:
        raise UnusableKeys(f"has no key for signatures by {', '.join(algorithms)}")
    keys: dict[tuple[str | None, str], jwt.PyJWK] = {
        (key.key_id, key.algorithm_name): key for key in found if isinstance(key.key_id, str)
    }
    for algorithm in algorithms:
        fitting = [key for key in found if key.algorithm_name == algorithm]
        if len(fitting) == 1:
            keys[None, algorithm] = fitting[0]
    return MappingProxyType(keys)


def _usable(described: Any, algorithms: Collection[str]) -> list[jwt.PyJWK]:
    """A key once for each of the algorithms that it is meant for, and fits."""
    if not isinstance(described, dict) or described.get("use", "sig") != "sig":
        return []
    found = []
    for algorithm in algorithms:
        if described.get("alg", algorithm) == algorithm:
            # Of another type, of a curve that is not known, or no key at all.
            with suppress(jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
                found.append(jwt.PyJWK.from_dict(described, algorithm))
    return found


def open_keys(described: OidcDescription, failed: Failed) -> Keys:
    """The keys that an operator points at.

    Args:
        described: Where they are, and what they are for.
        failed: Is told when they cannot be read.

    Raises:
        UnusableFile: A file cannot be read, or has no key that fits.
    """
    if described.keys_file is not None:
        return FileKeys(described.keys_file, described.algorithms, failed)
    fetch = fetcher(str(described.keys_url), described.keys_authorities, described.timeout_seconds)
    return RemoteKeys(
        fetch,
        described.algorithms,
        refresh_seconds=described.refresh_seconds,
        timeout_seconds=described.timeout_seconds,
        failed=failed,
    )


class FileKeys:
    """Keys in a file, read again when it changes.

    Raises:
        UnusableFile: It cannot be read, or has no key that fits.
    """

    def __init__(self, path: Path, algorithms: Collection[str], failed: Failed) -> None:
        def read() -> KeySet:
            try:
                return parse_keys(read_bytes(path), algorithms)
            except UnusableKeys as error:
                raise UnusableFile(f"{path}: {error}") from error

        self._file = Watched(Source.ISSUER_KEYS, [path], read, failed)

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """See ``Keys.find``."""
        return self._file.current().get((key_id, algorithm))


class RemoteKeys:
    """Keys that are asked of the issuer, and kept.

    One request is under way at a time, in a thread. Who needs a key that is not here waits for it;
    who has one does not, also while the issuer is down. So few may wait, and briefly.

    Args:
        fetch: Asks the issuer; blocks.
        algorithms: Those that are allowed.
        refresh_seconds: Keys that are older are asked for again.
        timeout_seconds: How long a call waits.
        failed: Is told when the issuer cannot be asked.
        now: Seconds of a clock that only goes on.
    """

    def __init__(
        self,
        fetch: Callable[[], bytes],
        algorithms: Collection[str],
        *,
        refresh_seconds: float,
        timeout_seconds: float,
        failed: Failed,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._algorithms = algorithms
        self._refresh_seconds = refresh_seconds
        self._timeout_seconds = timeout_seconds
        self._failed = failed
        self._now = now
        self._keys = NO_KEYS
        self._asked = self._answered = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._waiting = 0

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """See ``Keys.find``."""
        key = self._keys.get((key_id, algorithm))
        if key is None or self._now() - self._answered >= self._refresh_seconds:
            self._ask()
        if key is not None:
            return key
        if self._asking is not None and self._waiting < _MOST_WAITING:
            self._waiting += 1
            try:
                await asyncio.wait([self._asking], timeout=self._timeout_seconds)
            finally:
                self._waiting -= 1
        key = self._keys.get((key_id, algorithm))
        # Only an answer that came after the last question says that there is no such key.
        if key is None and self._answered < self._asked:
            raise AuthenticationUnavailable(
                "the issuer of the token does not say which keys are its own; try again",
                metadata={"cause": Refusal.KEYS_UNAVAILABLE.value},
            )
        return key

    def _ask(self) -> None:
        """Ask the issuer, unless that is under way or was done a moment ago."""
        if self._asking is None and self._now() - self._asked >= _COOLDOWN_SECONDS:
            self._asked = self._now()
            self._asking = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        try:
            self._keys = parse_keys(await asyncio.to_thread(self._fetch), self._algorithms)
            self._answered = self._now()
        except (OSError, HTTPException, ValueError) as error:
            why = str(error) if isinstance(error, ValueError) else type(error).__name__
            _log.error("issuer keys cannot be read", why=why)
            self._failed(Source.ISSUER_KEYS)
        finally:
            self._asking = None


def fetcher(url: str, authorities: Path | None, seconds: float) -> Callable[[], bytes]:
    """Asks a URL for keys; proxies of the environment are not used.

    Args:
        url: ``https://…``, or ``http://…`` of this machine.
        authorities: Who may have signed the certificate of the issuer, PEM; None: those of the
            system.
        seconds: For the whole answer.

    Raises:
        UnusableFile: The authorities cannot be read.
    """
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as error:
        raise UnusableFile(f"{authorities}: is not a certificate in PEM") from error

    def connection() -> HTTPConnection:
        host = parts.hostname or ""
        if parts.scheme == "https":
            return HTTPSConnection(host, parts.port, timeout=seconds, context=context)
        return HTTPConnection(host, parts.port, timeout=seconds)

    def fetch() -> bytes:
        answer = io.BytesIO()
        accepted = {"Accept": "application/json"}
        status = bounded_http.get(
            connection(), path, accepted, answer, most=MOST_BYTES, seconds=seconds
        )
        if status != 200:
            raise UnusableKeys(f"are asked for in vain: the issuer's status is {status}")
        return answer.getvalue()

    return fetch
