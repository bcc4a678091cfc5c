"""Opaque tokens that callers give back: sealed, so that they cannot be made up or mixed up."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from interference_service.errors import InvalidToken, Violation

_TAG_BYTES = 16


class Seal:
    """Seals small JSON payloads under a key, each for one purpose.

    A token is authenticated, not encrypted: it must hold nothing that its bearer may not know.
    Who opens a token trusts its payload, so a payload of another form needs another purpose.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, purpose: str, payload: dict[str, Any]) -> str:
        """The token of a payload; of URL-safe characters."""
        body = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
        return base64.urlsafe_b64encode(self._tag(purpose, body) + body).decode().rstrip("=")

    def open(self, purpose: str, token: str, field: str) -> dict[str, Any]:
        """The payload of a token.

        Args:
            purpose: What the token must have been sealed for.
            token: As the caller sent it.
            field: Request field that holds it.

        Raises:
            InvalidToken: It was not sealed under this key for this purpose.
        """
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not body or not hmac.compare_digest(tag, self._tag(purpose, body)):
            what = "is not a token of this service for this call; leave it empty to start over"
            raise InvalidToken(f"{field}: {what}", violations=[Violation(field, what)])
        payload: dict[str, Any] = json.loads(body)
        return payload

    def _tag(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + body, hashlib.sha256)[:_TAG_BYTES]
