"""Exit statuses; they are part of the interface, and nothing unknown is ever 0."""

from enum import IntEnum

from interference_client import errors
from interference_client.values import JobSnapshot


class Exit(IntEnum):
    """What a pipeline branches on."""

    PASSED = 0
    VIOLATED = 1
    USAGE = 2
    FAILED = 3
    CANCELLED = 4
    TIMEOUT = 5
    NOT_PERMITTED = 6
    UNREACHABLE = 7
    UNDETERMINED = 8
    INVALID = 9
    DEFECT = 70
    INTERRUPTED = 130
    TERMINATED = 143


def of_job(job: JobSnapshot) -> Exit:
    """The status that a job's end stands for."""
    match job.state:
        case "SUCCEEDED":
            return of_outcome(job.verdict.outcome if job.verdict else "PASSED")
        case "FAILED":
            return Exit.FAILED
        case "CANCELLED":
            return Exit.CANCELLED
        case _:
            return Exit.UNDETERMINED


def of_outcome(outcome: str) -> Exit:
    """The status that a verdict stands for."""
    known = {"PASSED": Exit.PASSED, "VIOLATED": Exit.VIOLATED}
    return known.get(outcome, Exit.UNDETERMINED)


def of_comparison(outcome: str) -> Exit:
    """The status that a comparison stands for."""
    known = {"NOT_WORSE": Exit.PASSED, "WORSE": Exit.VIOLATED}
    return known.get(outcome, Exit.UNDETERMINED)


def of_error(error: errors.InterferenceError) -> Exit:
    """The status that an error stands for."""
    match error:
        case errors.WaitTimeout(silent_seconds=None):
            return Exit.TIMEOUT
        case errors.Unauthenticated() | errors.PermissionDenied():
            return Exit.NOT_PERMITTED
        case (
            errors.InvalidArgument()
            | errors.NotFound()
            | errors.AlreadyExists()
            | errors.WrongState()
            | errors.NoResult()
            | errors.Aborted()
            | errors.ClientTooOld()
            | errors.ExportFailed()
        ):
            return Exit.INVALID
        case _:
            return Exit.UNREACHABLE
