"""From what a caller shows to whom it stands for."""

import re
from datetime import UTC, datetime

from interference_service.domain.access import Credentials, Principal, Refusal
from interference_service.security.access_file import Access
from interference_service.security.oidc import OidcTokens
from interference_service.security.refusals import unauthenticated
from interference_service.security.tokens import find
from interference_service.security.watched import Watched

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
"""RFC 6750, section 2.1."""


class AccessAuthenticator:
    """Knows the callers whom the access file names, and those of the issuer.

    A token decides where one is shown, also beside a certificate: that is then of the machine.

    Args:
        access: Who may call.
        issued: Tells the principals of the issuer's tokens; None: there is no issuer.
    """

    def __init__(self, access: Watched[Access], issued: OidcTokens | None = None) -> None:
        self._access = access
        self._issued = issued

    async def authenticate(self, shown: Credentials) -> Principal:
        """See ``Authenticator.authenticate``."""
        if len(shown.authorization) > 1:
            raise unauthenticated(Refusal.SEVERAL_CREDENTIALS)
        if shown.authorization:
            return await self._of_token(shown.authorization[0])
        if not shown.certificate:
            raise unauthenticated(Refusal.NO_CREDENTIALS)
        line = self._access.current().certificates.get(shown.certificate)
        if line is None:
            raise unauthenticated(Refusal.UNKNOWN_CREDENTIALS)
        return Principal(line.name, line.grants)

    async def _of_token(self, header: str) -> Principal:
        parts = _BEARER.fullmatch(header)
        if parts is None:
            raise unauthenticated(Refusal.MALFORMED_CREDENTIALS)
        token = parts[1]
        # Tokens of the access file have no dots.
        if self._issued is not None and token.count(".") == 2:
            return await self._issued.principal(token)
        line = find(token, self._access.current().tokens)
        if line is None:
            raise unauthenticated(Refusal.UNKNOWN_CREDENTIALS)
        if line.expires is not None and line.expires <= datetime.now(UTC):
            raise unauthenticated(Refusal.EXPIRED_CREDENTIALS)
        return Principal(line.name, line.grants)
