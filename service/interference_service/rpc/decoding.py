"""Requests are decoded within the reach of the other interceptors, few large ones at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import grpc

from interference_service.errors import InvalidRequest
from interference_service.rpc.handlers import Continuation, Handler, decoding_late

_LARGE_BYTES = 4096
"""What an ordinary request does not have."""
_LARGE_AT_ONCE = 4

_turn: ContextVar[AsyncExitStack | None] = ContextVar("turn", default=None)


class MalformedRequest(InvalidRequest):
    """The bytes of a request are not a message of its type."""

    reason = "MALFORMED_REQUEST"


async def converted() -> None:
    """Let the next large request in, for that of this call is in the service's own words."""
    turn = _turn.get()
    if turn is not None:
        await turn.aclose()


class DecodingInterceptor(grpc.aio.ServerInterceptor):
    """Decodes requests within the reach of the other interceptors.

    Decoded, a request may take forty times the memory of its bytes, and a second of processor time
    until it is refused. So few large ones are decoded and converted at once, and small ones wait
    for none. Whoever waits for anything else says before that its request is ``converted``.
    """

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method's handler, which refuses what it cannot decode."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_deserializer is None:
            return handler
        return decoding_late(
            handler, partial(_decoded, handler.request_deserializer), self._admitted
        )

    @asynccontextmanager
    async def _admitted(self, raw: bytes) -> AsyncIterator[None]:
        async with AsyncExitStack() as turn:
            if len(raw) > _LARGE_BYTES:
                await turn.enter_async_context(self._large)
                # Every call is served by a task of its own, so what is set here ends with it.
                _turn.set(turn)
            yield


def _decoded(decode: Callable[[bytes], Any], raw: bytes) -> Any:
    try:
        return decode(raw)
    except Exception as error:
        raise MalformedRequest(
            f"the {len(raw)} bytes of the request are not a message of its type; "
            "send one that is made from interference.v1"
        ) from error
