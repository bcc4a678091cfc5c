"""Who changed what, and who was refused: a line for each, under a logger of its own.

Principal, resource and request id come from what surrounds the call, as in every line of the log.
A line has names and codes, and nothing that a caller may write freely.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import grpc
import structlog

from interference_service.errors import (
    AuthenticationUnavailable,
    PermissionDenied,
    ServiceError,
    Unauthenticated,
)
from interference_service.rpc.handlers import Context, Continuation, Handler, surrounded
from interference_service.rpc.permissions import RULES
from interference_service.telemetry.logs import AUDIT_LOGGER

CountRefusal = Callable[[str], None]
"""Is told of every call that is refused: its cause, a value of ``Refusal``."""

_log = structlog.stdlib.get_logger(AUDIT_LOGGER)


class AuditInterceptor(grpc.aio.ServerInterceptor):
    """Writes the lines and counts the refusals; stands after error mapping."""

    def __init__(self, count_refusal: CountRefusal) -> None:
        self._count_refusal = count_refusal

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method's handler, audited."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return surrounded(handler, partial(self._audited, handler_call_details.method))

    @asynccontextmanager
    async def _audited(self, method: str, context: Context) -> AsyncIterator[None]:
        try:
            yield
        except (Unauthenticated, PermissionDenied, AuthenticationUnavailable) as error:
            cause = error.metadata["cause"]
            self._count_refusal(cause)
            _log.warning(
                "refusal", method=method, code=error.code.name, cause=cause, peer=context.peer()
            )
            raise
        except BaseException as error:
            _note_mutation(method, _code(error), context)
            raise
        else:
            _note_mutation(method, "OK", context)


def _note_mutation(method: str, code: str, context: Context) -> None:
    rule = RULES.get(method)
    if rule is not None and rule.mutates:
        _log.info("mutation", method=method, code=code, peer=context.peer())


def _code(error: BaseException) -> str:
    if isinstance(error, ServiceError):
        return error.code.name
    cancelled = isinstance(error, (asyncio.CancelledError, grpc.aio.InternalError))
    return "CANCELLED" if cancelled else "INTERNAL"
