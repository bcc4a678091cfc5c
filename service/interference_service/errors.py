"""One tree of errors for the whole service, with transport-neutral codes.

::

    ServiceError
    ├── InvalidRequest            fields of a request that do not fit
    │   └── InvalidToken          a page or resume token of another call
    ├── Unauthenticated           nobody knows who calls
    ├── PermissionDenied          who calls may not do this
    ├── AuthenticationUnavailable nobody can tell now who calls
    ├── NotFound
    ├── JobExists                 the job id is taken
    ├── RequestIdReused           the request id was used with another request
    ├── WrongState                the job's state forbids it
    ├── NoResult                  the job did not succeed
    ├── EtagMismatch              somebody else changed the job
    ├── LeaseLost                 another worker holds the job
    ├── Draining                  the server is going down
    ├── StoreUnavailable          the database is away or busy
    ├── Overloaded                the server has too much of this to do now
    ├── QuotaExceeded             the project has used up a limit of its own
    ├── CallTimeout               the call took longer than the server allows
    ├── SlowReader                nobody reads what the server streams
    ├── ClientTooOld              the operator wants a newer client
    ├── InternalError             anything unexpected, told by an incident id
    └── AnalysisError             a cause in the job itself; ends up in the job's error
        ├── InputUnavailable      model or data missing, unreadable or with another digest
        ├── InputUnsupported      a model or data that is refused, with the rule that refuses it
        ├── InvalidData           rows that do not fit the specification
        ├── NonFinite             a loss or gradient that is NaN or infinite
        ├── OutOfMemory
        ├── WorkerLost            every attempt lost its worker
        ├── RunTimeout
        └── Cancelled

Errors cross process boundaries, so every one of them pickles.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Self


class ErrorCode(Enum):
    """What kind of failure it is, whatever the transport."""

    INVALID_ARGUMENT = "invalid_argument"
    UNAUTHENTICATED = "unauthenticated"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    FAILED_PRECONDITION = "failed_precondition"
    ABORTED = "aborted"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    UNAVAILABLE = "unavailable"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that does not fit: where, what is wrong, and what would be right."""

    field: str
    """Path of the field in the request or the job, e.g. ``spec.data.label_column``."""
    description: str
    """A sentence that names the value found and the value wanted."""

    def below(self, prefix: str) -> "Violation":
        """The same violation seen from a message that holds the field under ``prefix``."""
        return Violation(f"{prefix}.{self.field}" if prefix else self.field, self.description)


class ServiceError(Exception):
    """Root of all errors that the service tells its callers."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    reason: ClassVar[str] = "INTERNAL"
    """Name in ``interference.v1.ErrorReason`` without its prefix."""

    def __init__(
        self,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})
        self.retry_after_seconds = retry_after_seconds

    def __reduce__(self) -> tuple[Callable[..., "ServiceError"], tuple[Any, ...]]:
        return _rebuild, (type(self), self.message, self.__dict__)


def _rebuild(kind: type[ServiceError], message: str, attributes: dict[str, Any]) -> ServiceError:
    error = kind(message)
    error.__dict__.update(attributes)
    return error


class InvalidRequest(ServiceError):
    """Fields of a request do not fit; ``violations`` names each of them."""

    code = ErrorCode.INVALID_ARGUMENT
    reason = "INVALID_FIELD"

    @classmethod
    def field(cls, field: str, description: str) -> "InvalidRequest":
        """The error for a single field."""
        return cls(f"{field}: {description}", violations=[Violation(field, description)])


class InvalidToken(InvalidRequest):
    """A page or resume token belongs to another call, key or version."""

    reason = "INVALID_TOKEN"


class Unauthenticated(ServiceError):
    """No, several, expired or unknown credentials; metadata ``cause`` says which."""

    code = ErrorCode.UNAUTHENTICATED
    reason = "UNAUTHENTICATED"


class PermissionDenied(ServiceError):
    """The caller may not do this; says the same whether or not the resource exists."""

    code = ErrorCode.PERMISSION_DENIED
    reason = "PERMISSION_DENIED"


class AuthenticationUnavailable(ServiceError):
    """Who calls cannot be told now, for the issuer of the token does not answer."""

    code = ErrorCode.UNAVAILABLE
    reason = "AUTHENTICATION_UNAVAILABLE"


class NotFound(ServiceError):
    """The named resource is not there."""

    code = ErrorCode.NOT_FOUND
    reason = "NOT_FOUND"


class JobExists(ServiceError):
    """The job id is taken; metadata ``same_spec`` says whether by the same specification."""

    code = ErrorCode.ALREADY_EXISTS
    reason = "JOB_EXISTS"


class RequestIdReused(ServiceError):
    """The request id was used before with another request."""

    code = ErrorCode.ALREADY_EXISTS
    reason = "REQUEST_ID_REUSED"


class WrongState(ServiceError):
    """The state of the job forbids it; metadata ``state`` names the state."""

    code = ErrorCode.FAILED_PRECONDITION
    reason = "WRONG_STATE"


class NoResult(ServiceError):
    """There is no result, because the job did not succeed; metadata ``state`` names its state."""

    code = ErrorCode.FAILED_PRECONDITION
    reason = "NO_RESULT"


class EtagMismatch(ServiceError):
    """Somebody else changed the job since the caller read it."""

    code = ErrorCode.ABORTED
    reason = "ETAG_MISMATCH"


class LeaseLost(ServiceError):
    """Another worker holds the job, or nobody does; never told to a caller."""

    code = ErrorCode.ABORTED
    reason = "INTERNAL"


class Draining(ServiceError):
    """The server is going down; another replica or a later try answers."""

    code = ErrorCode.UNAVAILABLE
    reason = "DRAINING"


class StoreUnavailable(ServiceError):
    """The database of the jobs is away or busy; a later try finds it."""

    code = ErrorCode.UNAVAILABLE
    reason = "STORE_UNAVAILABLE"


class Overloaded(ServiceError):
    """As many such calls run as may at once; a later try finds room."""

    code = ErrorCode.RESOURCE_EXHAUSTED
    reason = "OVERLOADED"


class QuotaExceeded(ServiceError):
    """A limit of the project is used up; metadata names ``project``, ``limit`` and ``allowed``."""

    code = ErrorCode.RESOURCE_EXHAUSTED
    reason = "QUOTA_EXCEEDED"


class CallTimeout(ServiceError):
    """The call took longer than its deadline or the server allows."""

    code = ErrorCode.DEADLINE_EXCEEDED
    reason = "CALL_TIMEOUT"


class SlowReader(ServiceError):
    """Nobody reads what the server streams; a reader who comes back can resume."""

    code = ErrorCode.UNAVAILABLE
    reason = "SLOW_READER"


class ClientTooOld(ServiceError):
    """The operator wants a newer client; metadata ``minimum_client_version`` says which."""

    code = ErrorCode.FAILED_PRECONDITION
    reason = "CLIENT_TOO_OLD"


class InternalError(ServiceError):
    """Something unexpected; the log has the cause under the incident id of the metadata."""


class AnalysisError(ServiceError):
    """A cause in the job itself, which ends that job and nothing else."""

    code = ErrorCode.FAILED_PRECONDITION

    @classmethod
    def at(cls, field: str, description: str, **metadata: str) -> Self:
        """The error for one field of the specification.

        Args:
            field: Path below the specification, e.g. ``model.uri``.
            description: What was found, and what would be right.
            metadata: Facts that a program may branch on.
        """
        path = f"spec.{field}"
        return cls(
            f"{path}: {description}",
            violations=[Violation(path, description)],
            metadata=metadata,
        )


class InputUnavailable(AnalysisError):
    """Model or data is missing, unreadable, or has another digest than the one asked for."""

    reason = "INPUT_UNAVAILABLE"


class InputUnsupported(AnalysisError):
    """Model or data is refused; the description says by which rule and how to comply."""

    reason = "INPUT_UNSUPPORTED"


class InvalidData(AnalysisError):
    """Rows of the data do not fit the specification or the model."""

    reason = "INVALID_DATA"


class NonFinite(AnalysisError):
    """A loss or a gradient is NaN or infinite."""

    reason = "NON_FINITE"


class OutOfMemory(AnalysisError):
    """A worker was ended for its memory on every attempt."""

    code = ErrorCode.RESOURCE_EXHAUSTED
    reason = "OUT_OF_MEMORY"


class WorkerLost(AnalysisError):
    """Every attempt lost its worker, or none can be had."""

    code = ErrorCode.UNAVAILABLE
    reason = "WORKER_LOST"


class RunTimeout(AnalysisError):
    """The job ran longer than it was allowed to."""

    code = ErrorCode.DEADLINE_EXCEEDED
    reason = "RUN_TIMEOUT"


class Cancelled(AnalysisError):
    """The job was stopped on request."""

    code = ErrorCode.CANCELLED
    reason = "CANCELLED"
