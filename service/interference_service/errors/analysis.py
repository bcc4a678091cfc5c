"""Causes in a job itself, which end up in its error."""

from typing import Self

from interference_service.errors.base import ErrorCode, ServiceError, Violation


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
