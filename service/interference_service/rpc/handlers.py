"""Putting code around the handler of a method, whatever its arity."""

import inspect
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import grpc

# A handler is generic in messages that code for every method does not know.
Context = grpc.aio.ServicerContext[Any, Any]
if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
else:
    Handler = grpc.RpcMethodHandler  # generic in its annotations only
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]
Around = Callable[[Context], AbstractAsyncContextManager[None]]
Behaviour = Callable[[Any, Context], Any]

_KINDS = MappingProxyType(
    {
        # request streaming, response streaming: attribute, type for metrics
        (False, False): ("unary_unary", "unary"),
        (False, True): ("unary_stream", "server_stream"),
        (True, False): ("stream_unary", "client_stream"),
        (True, True): ("stream_stream", "bidi_stream"),
    }
)


def grpc_type(handler: Handler) -> str:
    """``unary``, ``server_stream``, ``client_stream`` or ``bidi_stream``."""
    return _KINDS[handler.request_streaming, handler.response_streaming][1]


def surrounded(handler: Handler, around: Around) -> Handler:
    """The handler with a context manager around every call of it.

    A stream of responses is written from within the context, so that whatever ends a call, an
    error while writing included, closes the stream before the context is left.
    """
    behaviour = _behaviour(handler)

    async def unary(request: Any, context: Context) -> Any:
        async with around(context):
            return await behaviour(request, context)

    async def stream(request: Any, context: Context) -> None:
        async with around(context):
            await _pump(behaviour(request, context), context)

    changed = stream if handler.response_streaming else unary
    return _like(handler, changed, handler.request_deserializer)


def forgetting(handler: Handler) -> Handler:
    """The handler whose refusals leave nothing in memory; outermost, around a surrounded one.

    gRPC keeps the error that ends a call in a cycle with the call's context, which is not collected
    for long, and the request would stay in memory with the frames that the error passed.
    """
    behaviour = _behaviour(handler)

    async def call(request: Any, context: Context) -> Any:
        try:
            return await behaviour(request, context)
        except grpc.aio.AbortError as error:
            _forget(error)
            raise
        finally:
            del request, context

    return _like(handler, call, handler.request_deserializer)


def _forget(error: BaseException | None) -> None:
    """Let go of what an error and its causes hold: the frames that they passed, and their values."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        following = error.__cause__ or error.__context__
        error.__cause__ = error.__context__ = None
        error = following


def rewritten(handler: Handler, wrapped: Callable[[Context], Any]) -> Handler:
    """The handler of a stream of responses that is given another context.

    Args:
        handler: The handler.
        wrapped: Makes that context of the one that it stands for.
    """
    behaviour = _behaviour(handler)

    async def stream(request: Any, context: Context) -> None:
        around = wrapped(context)
        await _pump(behaviour(request, around), around)

    return _like(handler, stream, handler.request_deserializer)


def decoding_late(
    handler: Handler,
    decode: Callable[[bytes], Any],
    admitted: Callable[[bytes], AbstractAsyncContextManager[None]],
) -> Handler:
    """The handler that is given bytes and decodes them itself.

    So whatever surrounds it sees errors of decoding, and can refuse a call before its body costs
    anything.

    Args:
        handler: The handler.
        decode: Makes a request of bytes.
        admitted: Surrounds the decoding of a request, and the serving too where there is one
            response.
    """
    behaviour = _behaviour(handler)

    async def decoded_stream(raw: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for each in raw:
            async with admitted(each):
                request = decode(each)
            yield request

    async def unary(raw: bytes, context: Context) -> Any:
        async with admitted(raw):
            return await behaviour(decode(raw), context)

    async def stream(raw: Any, context: Context) -> None:
        if handler.request_streaming:
            request = decoded_stream(raw)
        else:
            async with admitted(raw):
                request = decode(raw)
        await _pump(behaviour(request, context), context)

    return _like(handler, stream if handler.response_streaming else unary, None)


def checked(handler: Handler, check: Callable[[Any], None]) -> Handler:
    """The handler behind a check of its decoded request, which raises where it refuses.

    Of a method that takes a stream of requests the check sees the stream, before any of it.
    """
    behaviour = _behaviour(handler)

    async def unary(request: Any, context: Context) -> Any:
        check(request)
        return await behaviour(request, context)

    async def stream(request: Any, context: Context) -> None:
        check(request)
        await _pump(behaviour(request, context), context)

    changed = stream if handler.response_streaming else unary
    return _like(handler, changed, handler.request_deserializer)


def unimplemented(method: str) -> Handler:
    """A handler for a method that there is not, whatever arity its caller thinks it has."""

    async def refuse(_: AsyncIterator[bytes], context: Context) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"there is no method {method[:200]}")

    handler: Handler = grpc.stream_stream_rpc_method_handler(refuse)
    return handler


async def _pump(responses: Any, context: Context) -> None:
    """Carry out what a streaming behaviour returned."""
    if inspect.isawaitable(responses):  # it writes to the context itself
        await responses
        return
    async with aclosing(responses):
        async for response in responses:
            await context.write(response)


def _behaviour(handler: Handler) -> Behaviour:
    attribute = _KINDS[handler.request_streaming, handler.response_streaming][0]
    behaviour: Behaviour = getattr(handler, attribute)
    return behaviour


def _like(
    handler: Handler, behaviour: Behaviour, request_deserializer: Callable[[bytes], Any] | None
) -> Handler:
    attribute = _KINDS[handler.request_streaming, handler.response_streaming][0]
    make = getattr(grpc, f"{attribute}_rpc_method_handler")
    changed: Handler = make(behaviour, request_deserializer, handler.response_serializer)
    return changed
