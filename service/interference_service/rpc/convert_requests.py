"""Requests that make or change a job -> what the use cases take."""

import hashlib
import re
from collections.abc import Mapping

from google.protobuf.message import Message

from interference.v1 import analysis_job_pb2, analysis_service_pb2
from interference_service.domain.job import Settings
from interference_service.errors import InvalidRequest, Violation
from interference_service.jobs.submission import Submission
from interference_service.rpc.convert_job import expiration_from_wire, settings_from_wire
from interference_service.rpc.convert_specification import specification_from_wire
from interference_service.rpc.resource_names import ID_RULE, is_id, project_of
from interference_service.rpc.validation import attempt, invalid

_JOB = "analysis_job"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EXPIRATION = {"ttl": "ttl_seconds", "expire_time": "expire_time"}
_CHANGEABLE = (*Settings.model_fields, *_EXPIRATION)
_MASKS = frozenset({*_CHANGEABLE, "*"})
_MAPS = ("labels", "annotations")
"""Fields whose entries an update can name one by one (AIP-161)."""


def submission_from_wire(
    request: analysis_service_pb2.CreateAnalysisJobRequest,
    principal: str,
    trace_parent: str | None = None,
) -> Submission:
    """The submission that a request asks for.

    Args:
        request: As the caller sent it.
        principal: Who calls.
        trace_parent: What the call belongs to.

    Raises:
        InvalidRequest: Fields do not fit; all of them are named at once.
    """
    project = project_of(request.parent)
    job = request.analysis_job
    violations = list(_identifier_violations(request))
    settings = attempt(lambda: settings_from_wire(job, _JOB), violations)
    expiration = attempt(lambda: expiration_from_wire(job, _JOB), violations)
    specification = attempt(
        lambda: specification_from_wire(_required_spec(request), f"{_JOB}.spec"), violations
    )
    if specification is None or settings is None or expiration is None or violations:
        raise invalid(violations)
    return Submission(
        project=project,
        job_id=request.analysis_job_id,
        specification=specification,
        settings=settings,
        principal=principal,
        request_id=request.request_id,
        request_digest=digest_without(request, "request_id", "validate_only"),
        ttl_seconds=expiration[0],
        expire_time=expiration[1],
        validate_only=request.validate_only,
        trace_parent=trace_parent,
    )


def _identifier_violations(
    request: analysis_service_pb2.CreateAnalysisJobRequest,
) -> list[Violation]:
    found = []
    if request.analysis_job_id and not is_id(request.analysis_job_id):
        shown = request.analysis_job_id[:80]
        found.append(Violation("analysis_job_id", f"is {shown!r}; {ID_RULE}, or be empty"))
    if request.request_id and _UUID.fullmatch(request.request_id) is None:
        shown = request.request_id[:80]
        found.append(Violation("request_id", f"is {shown!r}; must be a UUID, or empty"))
    return found


def _required_spec(
    request: analysis_service_pb2.CreateAnalysisJobRequest,
) -> analysis_job_pb2.AnalysisSpec:
    if not request.HasField("analysis_job"):
        raise InvalidRequest.field(_JOB, "is not set; it is required")
    if not request.analysis_job.HasField("spec"):
        raise InvalidRequest.field(f"{_JOB}.spec", "is not set; it is required")
    return request.analysis_job.spec


def changes_from_wire(
    request: analysis_service_pb2.UpdateAnalysisJobRequest,
) -> dict[str, object]:
    """The changes that an update asks for, by field of the use case (AIP-134).

    An empty mask means the fields which are set; ``*`` means all that can change, where an
    expiration that is not set stays as it is. ``labels.KEY`` and ``annotations.KEY`` mean one
    entry, which is removed where it is not set.

    Raises:
        InvalidRequest: The mask names other fields, or fields do not fit.
    """
    job = request.analysis_job
    paths = _paths(request)
    violations: list[Violation] = []
    settings = attempt(lambda: settings_from_wire(job, _JOB), violations)
    expiration = attempt(lambda: expiration_from_wire(job, _JOB), violations)
    named = {path for path in paths if path != job.WhichOneof("expiration")}
    violations.extend(
        Violation(f"{_JOB}.{path}", "is named by update_mask, so it must be set")
        for path in sorted(named & set(_EXPIRATION))
    )
    if settings is None or expiration is None or violations:
        raise invalid(violations)
    values = {**dict(settings), "ttl_seconds": expiration[0], "expire_time": expiration[1]}
    return {_EXPIRATION.get(path, path): _value(path, values) for path in paths}


def _value(path: str, values: Mapping[str, object]) -> object:
    field, _, key = path.partition(".")
    value = values[_EXPIRATION.get(field, field)]
    return value.get(key) if key and isinstance(value, dict) else value


def _paths(request: analysis_service_pb2.UpdateAnalysisJobRequest) -> list[str]:
    """Names of the fields to change, each once."""
    mask = list(dict.fromkeys(map(_unquoted, request.update_mask.paths)))
    unknown = [path for path in mask if path not in _MASKS and not _is_entry(path)]
    if unknown:
        allowed = ", ".join((*_CHANGEABLE, *(f"{name}.KEY" for name in _MAPS)))
        raise InvalidRequest.field(
            "update_mask", f"names {unknown[0][:80]!r}; may name {allowed}, or be *"
        )
    if mask and "*" not in mask:
        return [path for path in mask if path.partition(".")[0] not in mask or path in _CHANGEABLE]
    job = request.analysis_job
    present = [field.name for field, _ in job.ListFields() if field.name in _CHANGEABLE]
    return list(dict.fromkeys([*Settings.model_fields, *present])) if mask else present


def _unquoted(path: str) -> str:
    """The path with the key of an entry as it is; AIP-161 has backticks around odd ones."""
    field, _, key = path.partition(".")
    quoted = len(key) > 2 and key.startswith("`") and key.endswith("`")
    return f"{field}.{key[1:-1]}" if quoted else path


def _is_entry(path: str) -> bool:
    field, _, key = path.partition(".")
    return field in _MAPS and bool(key)


def digest_without(message: Message, *fields: str) -> str:
    """SHA-256 of a message without some of its fields; the same for equal messages."""
    bare = type(message)()
    bare.CopyFrom(message)
    for field in fields:
        bare.ClearField(field)
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()
