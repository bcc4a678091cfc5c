"""What surrounds every call: request id, log, metrics, errors, audit, principal."""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import grpc
import structlog

from interference_service.domain.ports import Authenticator
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.errors import InternalError, ServiceError
from interference_service.rpc.audit import AuditInterceptor, CountRefusal
from interference_service.rpc.authentication import (
    AnonymousAuthenticator,
    AuthenticationInterceptor,
)
from interference_service.rpc.authorisation import AuthorisationInterceptor
from interference_service.rpc.client_version import ClientVersionInterceptor
from interference_service.rpc.decoding import DecodingInterceptor
from interference_service.rpc.handlers import (
    Context,
    Continuation,
    Handler,
    forgetting,
    grpc_type,
    surrounded,
)
from interference_service.rpc.limits import USUAL, CallLimits, LimitInterceptor
from interference_service.rpc.permissions import HEALTH_CHECK
from interference_service.rpc.status import Metadata, status_of

REQUEST_ID_KEY = "x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SERVER_ERRORS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
"""Codes that are errors of a server (OpenTelemetry's conventions for gRPC); others are the caller's."""
_ABORT_SECONDS = 5.0
"""How long a call waits for its status to leave the server."""
_QUIET = frozenset({HEALTH_CHECK})
"""Methods that are called every few seconds, logged at debug level."""

Finished = Callable[[str, float], None]
"""Is told of the end of a call: name of the status code, seconds."""
Observe = Callable[[str, str], Finished]
"""Is told of the begin of every call: method, its type; returns what is told of its end."""

_log = structlog.stdlib.get_logger(__name__)


def interceptors(
    observe: Observe,
    authenticator: Authenticator | None = None,
    count_refusal: CountRefusal = lambda _: None,
    limits: CallLimits = USUAL,
    tracer: Tracer = UNTRACED,
    *,
    minimum_client_version: str = "",
) -> Sequence[grpc.aio.ServerInterceptor]:
    """The interceptors in their order, outermost first.

    Args:
        observe: Is told of every call.
        authenticator: Establishes who calls; None: nobody is told from another.
        count_refusal: Is told of every call that is refused.
        limits: What a call may cost.
        tracer: Records every call.
        minimum_client_version: Clients of ours below it are refused; empty: none is.
    """
    return (
        RequestInterceptor(observe, tracer),
        ErrorInterceptor(),
        AuditInterceptor(count_refusal),
        AuthenticationInterceptor(authenticator or AnonymousAuthenticator()),
        LimitInterceptor(limits),
        ClientVersionInterceptor(minimum_client_version),
        DecodingInterceptor(),
        AuthorisationInterceptor(tracer),
    )


def add_trailing_metadata(context: Context, added: Metadata) -> None:
    """Send these pairs at the end of the call, beside those that are set already."""
    context.set_trailing_metadata((*(context.trailing_metadata() or ()), *added))


class RequestInterceptor(grpc.aio.ServerInterceptor):
    """Gives every call a request id, a span, a line in the log and an observation; outermost.

    The id is taken from the caller's metadata if it is well-formed, and returned in the trailing
    metadata: initial metadata would commit the client to this attempt and forbid retries.
    """

    def __init__(self, observe: Observe, tracer: Tracer = UNTRACED) -> None:
        self._observe = observe
        self._tracer = tracer

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method's handler, observed."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        around = partial(self._traced, handler_call_details, grpc_type(handler))
        return forgetting(surrounded(handler, around))

    @asynccontextmanager
    async def _traced(
        self, call: grpc.HandlerCallDetails, kind: str, context: Context
    ) -> AsyncIterator[None]:
        metadata = tuple(call.invocation_metadata or ())
        with self._tracer.serve(call.method, metadata):
            async with self._observed(call, kind, context):
                yield

    @asynccontextmanager
    async def _observed(
        self, call: grpc.HandlerCallDetails, kind: str, context: Context
    ) -> AsyncIterator[None]:
        request_id = _request_id(call)
        # Every call is served by a task of its own, so what is bound here ends with it.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        self._tracer.describe({"interference.request_id": request_id})
        add_trailing_metadata(context, ((REQUEST_ID_KEY, request_id),))
        finished = self._observe(call.method, kind)
        begin = time.perf_counter()
        code = grpc.StatusCode.OK
        try:
            yield
        except BaseException as error:
            code = _code(error, context)
            raise
        finally:
            seconds = time.perf_counter() - begin
            log = _log.debug if call.method in _QUIET else _log.info
            log("call finished", method=call.method, code=code.name, seconds=round(seconds, 6))
            self._tracer.describe({"rpc.grpc.status_code": code.value[0]})
            if code in SERVER_ERRORS:
                self._tracer.fail(code.name)
            finished(code.name, seconds)


def _request_id(call: grpc.HandlerCallDetails) -> str:
    sent = [value for key, value in call.invocation_metadata or () if key == REQUEST_ID_KEY]
    if len(sent) == 1 and isinstance(sent[0], str) and _REQUEST_ID.fullmatch(sent[0]):
        return sent[0]
    return str(uuid.uuid4())


def _code(error: BaseException, context: Context) -> grpc.StatusCode:
    """The code that a call ended with, as far as the server can know."""
    if isinstance(error, grpc.aio.AbortError):
        return context.code()
    if isinstance(error, (asyncio.CancelledError, grpc.aio.InternalError)):
        remaining: float | None = context.time_remaining()
        late = remaining is not None and remaining <= 0
        return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
    return grpc.StatusCode.UNKNOWN


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Turns every error into a status; the text of an unexpected one never leaves the server."""

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method's handler, whose errors are statuses."""
        handler = await continuation(handler_call_details)
        return None if handler is None else surrounded(handler, _mapped)


@asynccontextmanager
async def _mapped(context: Context) -> AsyncIterator[None]:
    try:
        yield
    except (grpc.aio.AbortError, grpc.aio.InternalError):
        raise  # the status is sent already, or nobody is left to get one
    except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a status
        code, message, metadata = status_of(_told(error))
        trailing = (*(context.trailing_metadata() or ()), *metadata)
        try:
            async with asyncio.timeout(_ABORT_SECONDS):
                await context.abort(code, message, trailing)
        except (TimeoutError, grpc.aio.InternalError):
            # It waits behind messages that nobody reads, or its client is gone. The call is over
            # here: from now on its context raises nothing but its AbortError.
            await context.write(None)


def _told(error: Exception) -> ServiceError:
    """What the caller hears of an error: itself, or an incident id."""
    if isinstance(error, ServiceError) and error.reason != InternalError.reason:
        return error
    incident = uuid.uuid4().hex[:16]
    _log.error("unexpected error", incident=incident, exc_info=error)
    return InternalError(
        f"internal error; the service's log has the cause under incident {incident}",
        metadata={"incident": incident},
    )
