"""What a call may cost the server, whatever the deadline of its caller."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc

from interference_service.errors import CallTimeout, Overloaded, SlowReader
from interference_service.rpc.handlers import Context, Continuation, Handler, rewritten, surrounded

CREATE = "/interference.v1.AnalysisService/CreateAnalysisJob"
"""The one method with one response that may do work."""

_HEALTH = "/grpc.health.v1.Health/"
"""Methods that tell whether the server is to be restarted, and so are always answered."""


def _nothing(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """Bounds of one call.

    Attributes:
        unary_at_once: Calls with one response that are served at once; more are refused.
        unary_seconds: Of a call with one response.
        longer: Methods that may take longer, by full name.
        write_seconds: Of one message of a stream: after it the other side counts as not reading.
        stuck: Is told the method of every stream that nobody reads.
    """

    unary_at_once: int = 200
    unary_seconds: float = 30.0
    longer: Mapping[str, float] = field(default_factory=dict)
    write_seconds: float = 60.0
    stuck: Callable[[str], None] = _nothing


USUAL = CallLimits()


class LimitInterceptor(grpc.aio.ServerInterceptor):
    """Ends calls that take too long, and does not begin too many, or those whose deadline is over.

    Stands behind authentication, so that nobody who is unknown takes the place of somebody who is
    not, and around everything that does work. gRPC's own
    ``maximum_concurrent_rpcs`` counts requests that never arrive in full, and so lets one
    connection shut out everybody.
    """

    def __init__(self, limits: CallLimits) -> None:
        self._limits = limits
        self._running = 0

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method's handler, within its limits."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        if method.startswith(_HEALTH):
            return handler
        if handler.response_streaming:
            return rewritten(handler, partial(_Impatient, self._limits, method))
        return surrounded(handler, partial(self._limited, method))

    @asynccontextmanager
    async def _limited(self, method: str, context: Context) -> AsyncIterator[None]:
        remaining: float | None = context.time_remaining()  # annotated without None
        if remaining is not None and remaining <= 0:
            raise CallTimeout(
                "the deadline of the call was over before the call began; nothing was done"
            )
        if self._running >= self._limits.unary_at_once:
            raise Overloaded(
                f"{self._running} calls are being served, as many as this server does at once; "
                "try again in a moment"
            )
        seconds = self._limits.longer.get(method, self._limits.unary_seconds)
        limit = asyncio.timeout(seconds)
        self._running += 1
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise CallTimeout(
                f"the call took longer than the {seconds:g} s that this server allows; what it "
                "asked for may have happened, so use the same request_id again"
            ) from error
        finally:
            self._running -= 1


class _Impatient:
    """A context that does not wait for ever for a reader."""

    def __init__(self, limits: CallLimits, method: str, context: Context) -> None:
        self._limits = limits
        self._method = method
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def write(self, message: Any) -> None:
        """Send a message.

        Raises:
            SlowReader: Nobody took it, nor those before it.
        """
        limit = asyncio.timeout(self._limits.write_seconds)
        try:
            async with limit:
                await self._context.write(message)
        except TimeoutError as error:
            if not limit.expired():
                raise
            self._limits.stuck(self._method)
            raise SlowReader(
                f"nothing was read for {self._limits.write_seconds:g} s; read faster, or resume"
            ) from error
