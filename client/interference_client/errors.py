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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


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
