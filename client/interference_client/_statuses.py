"""Errors of calls, from their statuses and details."""

import math
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from interference_client.errors import (
    Aborted,
    AlreadyExists,
    ClientTooOld,
    DeadlineExceeded,
    InterferenceError,
    InternalError,
    InvalidArgument,
    NoResult,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    StreamCut,
    Unauthenticated,
    Unavailable,
    UnknownServerError,
    Violation,
    WrongState,
)

_DETAILS_KEY = "grpc-status-details-bin"
_REQUEST_ID_KEY = "x-request-id"
_PUSHBACK_KEY = "grpc-retry-pushback-ms"
_BY_CODE: dict[grpc.StatusCode, type[InterferenceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.FAILED_PRECONDITION: WrongState,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.RESOURCE_EXHAUSTED: QuotaExceeded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.INTERNAL: InternalError,
    # From a proxy or server that goes away: nobody here has cancelled.
    grpc.StatusCode.CANCELLED: StreamCut,
}
_BY_REASON: dict[str, type[InterferenceError]] = {
    "NO_RESULT": NoResult,
    "CLIENT_TOO_OLD": ClientTooOld,
}


def from_rpc(error: grpc.RpcError) -> InterferenceError:
    """The error that an RPC's status stands for."""
    code, text = error.code(), error.details() or ""
    # The stubs describe an entry as an object, gRPC makes it a pair.
    pairs: Any = error.trailing_metadata() or ()
    trailing = dict(pairs)
    known: dict[str, Any] = {
        "request_id": str(trailing.get(_REQUEST_ID_KEY, "")),
        "retry_after_seconds": _pushback(trailing.get(_PUSHBACK_KEY)),
    }
    raw = trailing.get(_DETAILS_KEY)
    if isinstance(raw, bytes):
        known |= _details(raw)
    kind = _BY_REASON.get(known.get("reason", ""), _BY_CODE.get(code, UnknownServerError))
    return kind(text or code.name, **known)


def _pushback(text: Any) -> float | None:
    """Seconds until another try (gRFC A6); infinity where the server wants none."""
    if text is None:
        return None
    return int(text) / 1000 if str(text).isdecimal() else math.inf


def _details(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status_pb2.Status.FromString(raw).details:
        if detail.Unpack(info):
            found |= {"reason": info.reason, "metadata": dict(info.metadata)}
        elif detail.Unpack(bad):
            found["violations"] = [
                Violation(each.field, each.description) for each in bad.field_violations
            ]
        elif detail.Unpack(retry):
            found["retry_after_seconds"] = retry.retry_delay.ToTimedelta().total_seconds()
    return found
