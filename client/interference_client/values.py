"""What the service tells about a job, as values."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2, status_pb2

from interference.v1 import analysis_job_pb2 as job_pb2, analysis_service_pb2 as service_pb2
from interference_client.errors import Violation

TERMINAL = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
"""States after which nothing happens; one that this client does not know is not among them."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with the interval that holds it; NaN where undetermined."""

    value: float = math.nan
    lower: float = math.nan
    upper: float = math.nan

    @property
    def determined(self) -> bool:
        """Whether value and bounds are known."""
        return all(map(math.isfinite, (self.value, self.lower, self.upper)))

    @classmethod
    def of(cls, message: job_pb2.Estimate) -> "Estimate":
        """The value of a message."""
        return cls(message.value, message.lower, message.upper)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come; ``total_units`` is 0 while unknown."""

    stage: str
    completed_units: int
    total_units: int


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed or was cancelled."""

    reason: str
    message: str
    violations: tuple[Violation, ...]
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """What one gate says: PASSED, VIOLATED or UNDETERMINED."""

    id: str
    outcome: str
    observed: Estimate
    explanation: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all gates say: the worst of them."""

    outcome: str
    gates: tuple[GateOutcome, ...]


@dataclass(frozen=True, slots=True)
class ResolvedInputs:
    """What a job really read, or would read.

    Attributes:
        model_digest: ``sha256:…`` of the model.
        data_digest: Likewise of the data.
        class_count: 0 where only the analysis tells it.
        layer_count: Layers that are analysed.
        row_count: Rows in the data.
        rows_used: Rows used; 0 before the analysis.
        model_uri: Where the model was found.
        model_version: In its registry; empty without one.
        inputs: By the argument of forward, what its values come from, with every step spelled out.
    """

    model_digest: str
    data_digest: str
    class_count: int
    layer_count: int
    row_count: int
    rows_used: int
    model_uri: str
    model_version: str
    inputs: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job as it was at one moment."""

    name: str
    uid: str
    display_name: str
    state: str
    progress: Progress
    attempt: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    priority: str
    monitor: str
    version: str
    creator: str
    error: JobError | None
    verdict: Verdict | None
    resolved_inputs: ResolvedInputs | None
    create_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    expire_time: datetime | None
    etag: str

    @property
    def terminal(self) -> bool:
        """Whether nothing will happen any more."""
        return self.state in TERMINAL

    def to_dict(self) -> dict[str, Any]:
        """The snapshot as JSON types; NaN becomes null."""
        fields: dict[str, Any] = json_ready(asdict(self))
        return fields


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the service is and can do.

    Attributes:
        version: Of the service.
        engine_version: Of what computes.
        capabilities: Names of optional behaviours.
        limits: Limits of the project; durations in seconds, ``highest_priority`` as a submission
            has it. A count or rate of 0 is no limit.
        minimum_client_version: Clients below it are refused; empty for none.
    """

    version: str
    engine_version: str
    capabilities: tuple[str, ...]
    limits: Mapping[str, float | str]
    minimum_client_version: str


def progress_of(message: job_pb2.Progress) -> Progress:
    """The progress of a message."""
    return Progress(message.stage, message.completed_units, message.total_units)


def snapshot_of(message: job_pb2.AnalysisJob) -> JobSnapshot:
    """The job of a message."""
    return JobSnapshot(
        name=message.name,
        uid=message.uid,
        display_name=message.display_name,
        state=_state(message.state),
        progress=progress_of(message.progress),
        attempt=message.attempt,
        labels=dict(message.labels),
        annotations=dict(message.annotations),
        priority=_priority(message.priority),
        monitor=message.spec.model.monitor,
        version=message.spec.model.version,
        creator=message.creator,
        error=_error(message.error) if message.HasField("error") else None,
        verdict=_verdict(message.verdict) if message.HasField("verdict") else None,
        resolved_inputs=(
            _resolved(message.resolved_inputs) if message.HasField("resolved_inputs") else None
        ),
        create_time=_time(message, "create_time"),
        start_time=_time(message, "start_time"),
        end_time=_time(message, "end_time"),
        expire_time=_time(message, "expire_time"),
        etag=message.etag,
    )


def server_info_of(message: service_pb2.ServerInfo) -> ServerInfo:
    """The server information of a message."""
    limits: dict[str, float | str] = {}
    for field in message.limits.DESCRIPTOR.fields:
        value = getattr(message.limits, field.name)
        if isinstance(value, duration_pb2.Duration):
            limits[f"{field.name}_seconds"] = value.ToTimedelta().total_seconds()
        elif field.enum_type is not None:
            known = field.enum_type.values_by_number.get(value)
            name = known.name if known is not None else str(value)
            limits[field.name] = name.removeprefix("PRIORITY_").lower()
        else:
            limits[field.name] = value
    return ServerInfo(
        message.version,
        message.engine_version,
        tuple(message.capabilities),
        limits,
        message.minimum_client_version,
    )


def _state(number: int) -> str:
    known = job_pb2.AnalysisJob.State.DESCRIPTOR.values_by_number.get(number)
    return known.name if known is not None else f"STATE_{number}"


def _priority(number: int) -> str:
    known = job_pb2.Priority.DESCRIPTOR.values_by_number.get(number)
    return known.name.removeprefix("PRIORITY_").lower() if known is not None else f"{number}"


def _outcome(number: int) -> str:
    known = job_pb2.Verdict.Outcome.DESCRIPTOR.values_by_number.get(number)
    return known.name if known is not None else f"OUTCOME_{number}"


def _error(status: status_pb2.Status) -> JobError:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        for message in (info, bad):
            detail.Unpack(message)
    violations = tuple(Violation(each.field, each.description) for each in bad.field_violations)
    return JobError(info.reason, status.message, violations, dict(info.metadata))


def _verdict(message: job_pb2.Verdict) -> Verdict:
    return Verdict(
        _outcome(message.outcome),
        tuple(
            GateOutcome(
                each.gate_id, _outcome(each.outcome), Estimate.of(each.observed), each.explanation
            )
            for each in message.gates
        ),
    )


def _resolved(message: job_pb2.ResolvedInputs) -> ResolvedInputs:
    inputs: dict[str, dict[str, Any]] = {}
    for each in message.inputs:
        inputs[each.name] = MessageToDict(each, preserving_proto_field_name=True)
        del inputs[each.name]["name"]
    return ResolvedInputs(
        model_digest=message.model_digest,
        data_digest=message.data_digest,
        class_count=message.class_count,
        layer_count=message.layer_count,
        row_count=message.row_count,
        rows_used=message.rows_used,
        model_uri=message.model_uri,
        model_version=message.model_version,
        inputs=inputs,
    )


def _time(message: job_pb2.AnalysisJob, field: str) -> datetime | None:
    if not message.HasField(field):
        return None
    moment: timestamp_pb2.Timestamp = getattr(message, field)
    return moment.ToDatetime(tzinfo=UTC)


def json_ready(value: Any) -> Any:
    """Values as JSON types: NaN and infinities as null, times in ISO format."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): json_ready(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(each) for each in value]
    return value
