"""Errors of the service as its clients see them."""

import re
import uuid
from collections.abc import Mapping

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

_DOMAIN = "interference.internal"
_PART = r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_FORMS = {
    "projects/{project}": re.compile(rf"projects/{_PART}"),
    "projects/{project}/analysisJobs/{analysis_job}": re.compile(
        rf"projects/{_PART}/analysisJobs/{_PART}"
    ),
    "projects/{project}/analysisJobs/{analysis_job}/result": re.compile(
        rf"projects/{_PART}/analysisJobs/{_PART}/result"
    ),
}
PROJECT, JOB, RESULT = _FORMS
JOB_ID = re.compile(_PART)


class Refusal(Exception):
    """How a call ends with an error."""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        details: list[Message] = [
            error_details_pb2.ErrorInfo(reason=reason, domain=_DOMAIN, metadata=metadata or {})
        ]
        if violations:
            kind = error_details_pb2.BadRequest.FieldViolation
            bad = [kind(field=field, description=why) for field, why in violations.items()]
            details.append(error_details_pb2.BadRequest(field_violations=bad))
        if retry_after_seconds is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromNanoseconds(int(retry_after_seconds * 1e9))
            details.append(retry)
        self.status = status_pb2.Status(code=code.value[0], message=message)
        for each in details:
            self.status.details.add().Pack(each)

    def end(self, context: grpc.ServicerContext) -> None:
        """End a call with it."""
        context.set_trailing_metadata(
            (
                ("x-request-id", str(uuid.uuid4())),
                ("grpc-status-details-bin", self.status.SerializeToString()),
            )
        )
        context.abort(self.code, str(self))


def unfit(violations: Mapping[str, str], reason: str = "INVALID_FIELD") -> Refusal:
    """Fields that do not fit."""
    first, why = next(iter(violations.items()))
    message = f"{first}: {why}"
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, reason, message, violations=violations)


def not_there(name: str) -> Refusal:
    """There is no such job."""
    return Refusal(
        grpc.StatusCode.NOT_FOUND, "NOT_FOUND", f"{name} is not there", metadata={"name": name}
    )


def taken(name: str, *, same: bool) -> Refusal:
    """There is a job of that name; of the same specification or not."""
    metadata = {"name": name, "same_spec": str(same).lower()}
    code = grpc.StatusCode.ALREADY_EXISTS
    return Refusal(code, "JOB_EXISTS", f"{name} exists", metadata=metadata)


def reused(request_id: str) -> Refusal:
    """A request had this id that was another."""
    message = f"request id {request_id} came before with another request"
    return Refusal(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", message)


def in_state(reason: str, message: str, state: str) -> Refusal:
    """The state of a job forbids it."""
    return Refusal(grpc.StatusCode.FAILED_PRECONDITION, reason, message, metadata={"state": state})


def checked_name(name: str, form: str, field: str) -> str:
    """The name, which must have this form.

    Raises:
        Refusal: It does not.
    """
    if _FORMS[form].fullmatch(name) is None:
        raise unfit({field: f"is {name[:200]!r}; must be {form}"})
    return name
