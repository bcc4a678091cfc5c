"""Which versions of our own client may call."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import grpc
from packaging.version import InvalidVersion, Version

from interference_service.errors import ClientTooOld
from interference_service.rpc.handlers import Context, Continuation, Handler, surrounded

_CLIENT = re.compile(r"(?:^|\s)interference-client/(\S{1,64})")


class ClientVersionInterceptor(grpc.aio.ServerInterceptor):
    """Refuses clients of ours that the operator takes for too old; stands after authentication.

    A client says in its user agent what it is. Others, and those that say nothing, are let through.
    """

    def __init__(self, minimum: str) -> None:
        """Refuse clients below a version.

        Args:
            minimum: The version (PEP 440); empty: none is refused.

        Raises:
            ValueError: It is none.
        """
        self._minimum = Version(minimum) if minimum else None

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method's handler, closed to clients that are too old."""
        handler = await continuation(handler_call_details)
        if handler is None or self._minimum is None:
            return handler
        found = client_version(handler_call_details)
        if found is None or found >= self._minimum:
            return handler
        return surrounded(handler, partial(_refused, found, self._minimum))


def client_version(call: grpc.HandlerCallDetails) -> Version | None:
    """Version of our client that makes a call; None for another client."""
    for key, value in call.invocation_metadata or ():
        found = _CLIENT.search(value) if key == "user-agent" and isinstance(value, str) else None
        if found is not None:
            try:
                return Version(found[1])
            except InvalidVersion:
                return None
    return None


@asynccontextmanager
async def _refused(found: Version, minimum: Version, _: Context) -> AsyncIterator[None]:
    raise ClientTooOld(
        f"this client is version {found}, and the server's operator wants {minimum} at least; "
        "install a newer gradient-interference",
        metadata={"client_version": str(found), "minimum_client_version": str(minimum)},
    )
    yield
