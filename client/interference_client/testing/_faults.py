"""What a test wants to go wrong, and who is let in."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import grpc

from interference_client.testing._refusals import Refusal


@dataclass
class Fault:
    """An error of the next calls.

    Attributes:
        method: Name of the method; empty for any.
        refusal: How they end.
        after: Messages of a stream that are sent before.
    """

    method: str
    refusal: Refusal
    after: int


class Gatekeeper(grpc.ServerInterceptor):
    """Authenticates, notes calls, makes faults, and turns refusals into statuses."""

    def __init__(self, token: str) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        self._token = token
        self._faults: deque[Fault] = deque()
        self._lock = threading.Lock()

    def add(self, fault: Fault, times: int) -> None:
        """Let the next calls fail."""
        with self._lock:
            self._faults.extend([fault] * times)

    def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """The method's handler, behind all that."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method.rpartition("/")[2]
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._stream(method, handler.unary_stream),
                handler.request_deserializer,
                handler.response_serializer,
            )
        return grpc.unary_unary_rpc_method_handler(
            self._unary(method, handler.unary_unary),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _unary(self, method: str, behaviour: Any) -> Any:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                if fault := self._admitted(method, context):
                    raise fault.refusal
                return behaviour(request, context)
            except Refusal as refusal:
                return refusal.end(context)

        return answer

    def _stream(self, method: str, behaviour: Any) -> Any:
        def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            try:
                fault = self._admitted(method, context)
                responses = behaviour(request, context)
                yield from islice(responses, None if fault is None else fault.after)
                if fault is not None:
                    raise fault.refusal
            except Refusal as refusal:
                refusal.end(context)

        return answer

    def _admitted(self, method: str, context: grpc.ServicerContext) -> Fault | None:
        """The fault of this call, if it is to have one.

        Raises:
            Refusal: Nobody may call without the token.
        """
        metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
        with self._lock:
            self.calls.append((method, metadata))
            if self._token and metadata.get("authorization") != f"Bearer {self._token}":
                raise Refusal(
                    grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", "the token is not known"
                )
            found = next((each for each in self._faults if each.method in {"", method}), None)
            if found is not None:
                self._faults.remove(found)
            return found
