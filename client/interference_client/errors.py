"""What can go wrong, as seen by a caller.

::

    InterferenceError
    ├── InvalidArgument         fields that do not fit; .violations names them
    ├── NotFound
    ├── AlreadyExists           .same_specification
    ├── Unauthenticated
    ├── PermissionDenied
    ├── WrongState              .state
    ├── NoResult                .state
    ├── Aborted                 somebody else changed the job
    ├── QuotaExceeded           .retry_after_seconds
    ├── ClientTooOld            .minimum_version
    ├── Unavailable             the service cannot be reached
    │   └── HandshakeFailed     certificates or TLS do not fit; trying again would not help
    ├── DeadlineExceeded
    ├── InternalError           .incident
    ├── UnknownServerError      a status that this client does not know
    ├── StreamCut               a stream ended before its end
    ├── WaitTimeout             .name, .state; the job goes on
    ├── JobFailed               .job
    ├── JobCancelled            .job
    ├── GateViolated            .verdict
    ├── GateUndetermined        .verdict
    └── ExportFailed            a model cannot be written as an archive

All of them pickle.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY = "grpc-status-details-bin"
_REQUEST_ID_KEY = "x-request-id"
_PUSHBACK_KEY = "grpc-retry-pushback-ms"


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that does not fit."""

    field: str
    description: str


class InterferenceError(Exception):
    """Root of all errors of this client.

    Attributes:
        reason: Name in ``interference.v1.ErrorReason`` without its prefix; empty if unknown.
        metadata: Facts that a program may branch on.
        violations: Fields that do not fit.
        request_id: Of the call, for the service's operators; empty if unknown.
        retry_after_seconds: When another try may succeed; None if unknown, infinity if the service
            wants none.
        repeated: Whether a try of the same call before may have worked, as only its answer is
            missing.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: dict[str, str] | None = None,
        violations: Sequence[Violation] = (),
        request_id: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds
        self.repeated = False

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _rebuild, (type(self), str(self), self.__dict__)

    @property
    def state(self) -> str:
        """State of the job that was in the way; empty if unknown."""
        return self.metadata.get("state", "")


def _rebuild(
    kind: type[InterferenceError], message: str, attributes: dict[str, Any]
) -> InterferenceError:
    error = kind.__new__(kind, message)
    Exception.__init__(error, message)
    error.__dict__.update(attributes)
    return error


class InvalidArgument(InterferenceError):
    """Fields of the request do not fit; ``violations`` names them."""


class NotFound(InterferenceError):
    """The job is not there."""


class AlreadyExists(InterferenceError):
    """The job id or request id is taken."""

    @property
    def same_specification(self) -> bool:
        """Whether the job of that id has the same specification."""
        return self.metadata.get("same_spec") == "true"


class Unauthenticated(InterferenceError):
    """Credentials are missing, expired or unknown."""


class PermissionDenied(InterferenceError):
    """The caller may not do this."""


class WrongState(InterferenceError):
    """The state of the job forbids it; ``state`` names it."""


class NoResult(InterferenceError):
    """The job did not succeed, or not yet; ``state`` names its state."""


class Aborted(InterferenceError):
    """Somebody else changed the job; read it again."""


class QuotaExceeded(InterferenceError):
    """A limit of the project is used up, or the service is busy; see ``retry_after_seconds``.

    The reason is ``QUOTA_EXCEEDED``, and ``metadata`` names the ``limit``; or ``OVERLOADED``.
    """


class ClientTooOld(InterferenceError):
    """The service's operator wants a newer client."""

    @property
    def minimum_version(self) -> str:
        """The oldest version that is served."""
        return self.metadata.get("minimum_client_version", "")


class Unavailable(InterferenceError):
    """The service cannot be reached."""


class HandshakeFailed(Unavailable):
    """Client and service do not agree on TLS: its certificate, its name, or whether there is any."""


class DeadlineExceeded(InterferenceError):
    """The call took longer than allowed; what it asked for may have happened."""


class InternalError(InterferenceError):
    """Something broke in the service; its operators find the cause under the incident."""

    @property
    def incident(self) -> str:
        """Id of the cause in the service's log."""
        return self.metadata.get("incident", "")


class UnknownServerError(InterferenceError):
    """The service answered with a status that this client does not know."""


class StreamCut(InterferenceError):
    """A stream ended before its end was announced, or its bytes are damaged."""


class WaitTimeout(InterferenceError):
    """The wait was longer than allowed; nobody has ended the job.

    Attributes:
        name: Of the job.
        silent_seconds: How long nothing was heard of it, where the service did not answer in the
            end; None where it did.
    """

    def __init__(self, name: str, state: str, silent_seconds: float | None = None) -> None:
        super().__init__(
            f"{name} is still {state}; it goes on"
            if silent_seconds is None
            else f"{name} was {state} when last heard of; then the service did not answer for "
            f"{silent_seconds:.1f} s",
            metadata={"name": name, "state": state},
        )
        self.name = name
        self.silent_seconds = silent_seconds


class JobFailed(InterferenceError):
    """The job failed; ``job`` says why."""

    def __init__(self, job: Any) -> None:
        error = job.error
        super().__init__(
            f"{job.name} failed: {error.message}" if error else f"{job.name} failed",
            reason=error.reason if error else "",
            metadata=error.metadata if error else None,
            violations=error.violations if error else (),
        )
        self.job = job


class JobCancelled(InterferenceError):
    """The job was cancelled."""

    def __init__(self, job: Any) -> None:
        why = f": {job.error.message}" if job.error else ""
        super().__init__(f"{job.name} was cancelled{why}", reason="CANCELLED")
        self.job = job


class GateViolated(InterferenceError):
    """A gate of the job is violated; ``verdict`` says which."""

    def __init__(self, verdict: Any) -> None:
        super().__init__(f"violated: {_gates_of(verdict, 'VIOLATED')}")
        self.verdict = verdict


class GateUndetermined(InterferenceError):
    """No gate is violated, but not all are known to hold; ``verdict`` says which."""

    def __init__(self, verdict: Any) -> None:
        super().__init__(f"undetermined: {_gates_of(verdict, 'UNDETERMINED') or 'no gates'}")
        self.verdict = verdict


class ExportFailed(InterferenceError):
    """A model cannot be written as an archive; the message says why and what to change."""


def _gates_of(verdict: Any, outcome: str) -> str:
    gates = verdict.gates if verdict is not None else ()
    return ", ".join(f"{each.id} ({each.explanation})" for each in gates if each.outcome == outcome)


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
