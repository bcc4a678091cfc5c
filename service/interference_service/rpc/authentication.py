"""Who calls: established once per call, before its body is decoded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from types import MappingProxyType

import grpc
import structlog

from interference_service.domain.access import EVERY_PROJECT, Credentials, Principal, Role
from interference_service.domain.ports import Authenticator
from interference_service.rpc.handlers import (
    Context,
    Continuation,
    Handler,
    surrounded,
    unimplemented,
)
from interference_service.rpc.permissions import OPEN_METHODS

AUTHORIZATION_KEY = "authorization"
_SPIFFE_ID, _SUBJECT = "peer_spiffe_id", "x509_subject"

ANONYMOUS = Principal("anonymous", MappingProxyType({EVERY_PROJECT: Role.ADMIN}))
_NOBODY = Principal("nobody")
_principal: ContextVar[Principal] = ContextVar("principal", default=_NOBODY)


def current_principal() -> Principal:
    """The principal of the call that is being served."""
    return _principal.get()


class AnonymousAuthenticator:
    """Takes every caller for the same; for servers whose network decides who may call."""

    async def authenticate(self, shown: Credentials) -> Principal:
        """The one principal that there is."""
        return ANONYMOUS


class AuthenticationInterceptor(grpc.aio.ServerInterceptor):
    """Lets a call pass once its principal is known; stands after error mapping.

    A method that there is not takes credentials as the others do, so that nobody learns without
    them what there is.
    """

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method's handler, behind authentication."""
        method = handler_call_details.method
        handler = await continuation(handler_call_details) or unimplemented(method)
        if method in OPEN_METHODS:
            return handler
        authorization = tuple(
            str(value)
            for key, value in handler_call_details.invocation_metadata or ()
            if key == AUTHORIZATION_KEY
        )
        return surrounded(handler, partial(self._authenticated, authorization))

    @asynccontextmanager
    async def _authenticated(
        self, authorization: tuple[str, ...], context: Context
    ) -> AsyncIterator[None]:
        shown = Credentials(authorization, _certificate(context))
        principal = await self._authenticator.authenticate(shown)
        token = _principal.set(principal)
        structlog.contextvars.bind_contextvars(principal=principal.name)
        try:
            yield
        finally:
            _principal.reset(token)


def _certificate(context: Context) -> str:
    known = context.auth_context()
    value: bytes = next(iter(known.get(_SPIFFE_ID) or known.get(_SUBJECT) or ()), b"")
    return value.decode(errors="replace")
