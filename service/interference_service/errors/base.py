"""What all errors have: a code, a reason, a message, and fields that do not fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar


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
