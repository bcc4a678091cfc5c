"""Who calls: established once per call, before its body is decoded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import grpc
import structlog

from interference_service.rpc.handlers import Context, Continuation, Handler, surrounded

CallMetadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls."""

    name: str


ANONYMOUS = Principal("anonymous")
_principal: ContextVar[Principal] = ContextVar("principal", default=ANONYMOUS)


def current_principal() -> Principal:
    """The principal of the call that is being served."""
    return _principal.get()


class Authenticator(Protocol):
    """Establishes who calls."""

    async def authenticate(self, method: str, metadata: CallMetadata) -> Principal:
        """The caller.

        Args:
            method: Full name of the method, ``/package.Service/Method``.
            metadata: As the caller sent it, keys in lower case.

        Raises:
            ServiceError: The caller is refused.
        """


class AnonymousAuthenticator:
    """Takes every caller for the same; for servers whose network decides who may call."""

    async def authenticate(self, method: str, metadata: CallMetadata) -> Principal:
        """The one principal that there is."""
        return ANONYMOUS


class AuthenticationInterceptor(grpc.aio.ServerInterceptor):
    """Lets a call pass once its principal is known; stands after error mapping."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method's handler, behind authentication."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        metadata = tuple(handler_call_details.invocation_metadata or ())
        return surrounded(handler, partial(self._authenticated, method, metadata))

    @asynccontextmanager
    async def _authenticated(
        self, method: str, metadata: CallMetadata, context: Context
    ) -> AsyncIterator[None]:
        principal = await self._authenticator.authenticate(method, metadata)
        token = _principal.set(principal)
        structlog.contextvars.bind_contextvars(principal=principal.name)
        try:
            yield
        finally:
            _principal.reset(token)
