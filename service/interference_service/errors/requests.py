"""What is wrong with a request, or with the service that it came to."""

from interference_service.errors.base import ErrorCode, ServiceError, Violation


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
