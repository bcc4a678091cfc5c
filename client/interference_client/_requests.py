"""Requests; pure."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal, TypedDict, cast

from google.protobuf import field_mask_pb2

from interference.v1 import (
    analysis_job_pb2 as job_pb2,
    analysis_result_pb2 as result_pb2,
    analysis_service_pb2 as service_pb2,
)
from interference_client._keywords import check_keywords

UNARY_SECONDS = 20.0
"""Deadline of a unary call with all its retries, where the caller names none."""
VALIDATION_SECONDS = 300.0
"""Deadline of a submission with ``validate_only``, where the caller names none."""


class Submission(TypedDict, total=False):
    """What may be said about a job beside its specification; all of it is optional.

    Attributes:
        job_id: Last part of its name; derived from a pipeline's run, a second run finds the first
            job. Empty: the service makes one.
        if_exists: ``"attach"`` takes the job of that id if it has the same specification.
        display_name: For people.
        labels: For filters.
        annotations: For programs, at most 16 KiB.
        priority: ``"low"``, ``"normal"`` or ``"high"``.
        ttl: How long it is kept after its end.
        request_id: UUID4 of this logical submission; made here where it is not given.
        validate_only: Make nothing, but read the model and try it on some rows; the job that is
            returned has no name, and says in ``resolved_inputs`` what was read.
        timeout: Seconds for the whole call.
    """

    job_id: str
    if_exists: Literal["error", "attach"]
    display_name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    priority: Literal["low", "normal", "high"]
    ttl: timedelta
    request_id: str
    validate_only: bool
    timeout: float


def submit_seconds(submission: Submission) -> float:
    """Seconds for a submission; a validation takes longer, as it reads the model."""
    usual = VALIDATION_SECONDS if submission.get("validate_only") else UNARY_SECONDS
    return submission.get("timeout", usual)


def create_request(
    project: str, specification: job_pb2.AnalysisSpec, submission: Submission
) -> service_pb2.CreateAnalysisJobRequest:
    """A request to run an analysis; its request id is made here, once for all retries.

    Raises:
        TypeError: Nothing of that name may be said of a submission.
    """
    check_keywords(submission, Submission.__optional_keys__)
    job = job_pb2.AnalysisJob(
        display_name=submission.get("display_name", ""),
        spec=specification,
        labels=submission.get("labels", {}),
        annotations=submission.get("annotations", {}),
        priority=f"PRIORITY_{submission.get('priority', 'normal').upper()}",
    )
    if (ttl := submission.get("ttl")) is not None:
        job.ttl.FromTimedelta(ttl)
    return service_pb2.CreateAnalysisJobRequest(
        parent=parent(project),
        analysis_job_id=submission.get("job_id", ""),
        analysis_job=job,
        request_id=submission.get("request_id") or str(uuid.uuid4()),
        validate_only=submission.get("validate_only", False),
    )


class Changes(TypedDict, total=False):
    """What may be changed of a job after its submission."""

    display_name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    priority: Literal["low", "normal", "high"]
    ttl: timedelta


def update_request(name: str, etag: str, changes: Changes) -> service_pb2.UpdateAnalysisJobRequest:
    """A request to change a job as it was when it had this etag.

    Raises:
        TypeError: Nothing of that name can be changed.
        ValueError: There is nothing to change.
    """
    check_keywords(changes, Changes.__optional_keys__)
    if not changes:
        # An empty mask stands for every field that is set, as the priority always is.
        raise ValueError(f"there is nothing to change; give {', '.join(Changes.__annotations__)}")
    created = create_request("", job_pb2.AnalysisSpec(), cast("Submission", changes))
    job = created.analysis_job
    job.name, job.etag = name, etag
    job.ClearField("spec")
    return service_pb2.UpdateAnalysisJobRequest(
        analysis_job=job, update_mask=field_mask_pb2.FieldMask(paths=sorted(changes))
    )


def list_request(
    project: str, filter_text: str, order_by: str, page_size: int
) -> service_pb2.ListAnalysisJobsRequest:
    """A request for the first page of a project's jobs."""
    return service_pb2.ListAnalysisJobsRequest(
        parent=parent(project), filter=filter_text, order_by=order_by, page_size=page_size
    )


def list_filter(filter_text: str, *, state: str = "", monitor: str = "") -> str:
    """A filter that also asks for a state and a monitor."""
    wanted = {"state": state, "monitor": monitor}
    terms = [f"{name} = {_quoted(value)}" for name, value in wanted.items() if value]
    if terms and filter_text.strip():
        terms.append(f"({filter_text})")
    return " AND ".join(terms) or filter_text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read_request(
    result_name: str, ids: Sequence[str], classes: Sequence[str], resume_token: str
) -> service_pb2.ReadMatricesRequest:
    """A request for matrices as they are kept, in 64 bits; of all classes where none is named."""
    return service_pb2.ReadMatricesRequest(
        name=result_name,
        matrix_ids=ids,
        class_ids=classes,
        element_type=result_pb2.ELEMENT_TYPE_FLOAT64,
        resume_token=resume_token,
    )


def parent(project: str) -> str:
    """Resource name of a project."""
    return f"projects/{project}"


def job_name(project: str, name_or_id: str) -> str:
    """Resource name of a job that is given by it or by its id alone."""
    if "/" in name_or_id:
        return name_or_id
    return f"{parent(project)}/analysisJobs/{name_or_id}"
