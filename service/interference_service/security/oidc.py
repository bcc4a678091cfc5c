"""Tokens that an issuer signs (JWT, as of OpenID Connect)."""

from collections.abc import Mapping
from typing import Any

import jwt

from interference_service.domain.access import Principal, Refusal
from interference_service.security.access_file import Access
from interference_service.security.description import OidcDescription
from interference_service.security.keys import Keys
from interference_service.security.refusals import unauthenticated
from interference_service.security.watched import Watched

_LONGEST_NAME = 255
_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)
"""The library's own errors, and what numbers and depths that nobody expects raise beside them."""
_PREFIX = "oidc:"
"""Sets the issuer's principals apart from those that the operator names."""


class OidcTokens:
    """Tells the principal of a token.

    Args:
        rules: What a token must say.
        keys: Of the issuer.
        access: What the values of the claim grant.
    """

    def __init__(self, rules: OidcDescription, keys: Keys, access: Watched[Access]) -> None:
        self._rules = rules
        self._keys = keys
        self._access = access

    async def principal(self, token: str) -> Principal:
        """Whom a token stands for.

        Raises:
            Unauthenticated: The token is not the issuer's, or not for this service, or not now.
            AuthenticationUnavailable: The issuer's keys cannot be read.
        """
        claims = self._claims(token, await self._key(token))
        name = claims[self._rules.principal_claim]
        if (
            not isinstance(name, str)
            or not name.isprintable()
            or not 0 < len(name) <= _LONGEST_NAME
        ):
            raise unauthenticated(Refusal.INVALID_CREDENTIALS)
        values = claims.get(self._rules.grants_claim, [])
        listed = [values] if isinstance(values, str) else values
        if not isinstance(listed, list):
            raise unauthenticated(Refusal.INVALID_CREDENTIALS)
        texts = [value for value in listed if isinstance(value, str)]
        return Principal(_PREFIX + name, self._access.current().granted(texts))

    async def _key(self, token: str) -> jwt.PyJWK:
        try:
            header = jwt.get_unverified_header(token)
        except _UNREADABLE as error:
            raise unauthenticated(Refusal.INVALID_CREDENTIALS) from error
        algorithm, key_id = header.get("alg"), header.get("kid")
        # Before the issuer is asked for anything.
        if algorithm not in self._rules.algorithms:
            raise unauthenticated(Refusal.INVALID_CREDENTIALS)
        key = await self._keys.find(key_id, algorithm)
        if key is None:
            raise unauthenticated(Refusal.INVALID_CREDENTIALS)
        return key

    def _claims(self, token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
        rules = self._rules
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(rules.algorithms),
                audience=rules.audience,
                issuer=rules.issuer,
                leeway=rules.leeway_seconds,
                options={
                    "require": ["exp", "iss", "aud", rules.principal_claim],
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.ExpiredSignatureError as error:
            raise unauthenticated(Refusal.EXPIRED_CREDENTIALS) from error
        except _UNREADABLE as error:
            raise unauthenticated(Refusal.INVALID_CREDENTIALS) from error
        return claims
