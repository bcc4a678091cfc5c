"""A job: its states, their transitions, and what is known of it."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from interference_service.domain.inputs import Input, Value
from interference_service.domain.specification import AnalysisSpecification
from interference_service.domain.texts import ID, Line, Text
from interference_service.domain.verdict import Verdict
from interference_service.errors import InternalError, ServiceError, Violation, WrongState


class JobState(StrEnum):
    """Where a job is in its life."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether the state is the last one."""
        return not TRANSITIONS[self]

    @property
    def held(self) -> bool:
        """Whether a worker holds the job by a lease."""
        return self in {JobState.RUNNING, JobState.CANCELLING}


TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.PENDING: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.FAILED}),
        JobState.RUNNING: frozenset(
            {JobState.PENDING, JobState.CANCELLING, JobState.SUCCEEDED, JobState.FAILED}
        ),
        JobState.CANCELLING: frozenset({JobState.CANCELLED, JobState.SUCCEEDED, JobState.FAILED}),
        JobState.SUCCEEDED: frozenset(),
        JobState.FAILED: frozenset(),
        JobState.CANCELLED: frozenset(),
    }
)
"""Which state may follow which; RUNNING goes back to PENDING when its worker is lost."""


class Priority(StrEnum):
    """Scheduling class of a job."""

    LOW = "PRIORITY_LOW"
    NORMAL = "PRIORITY_NORMAL"
    HIGH = "PRIORITY_HIGH"

    @property
    def rank(self) -> int:
        """The higher, the earlier the job is taken."""
        return list(Priority).index(self)


PROMOTION = timedelta(hours=6)
"""A job that has waited so long is as urgent as one of the next higher priority."""


class Stage(StrEnum):
    """What a running job does."""

    QUEUED = "QUEUED"
    SCAN = "SCAN"
    GRADIENTS = "GRADIENTS"
    REDUCE = "REDUCE"
    WRITE = "WRITE"


class Progress(Value):
    """How far the current attempt has come."""

    stage: Stage = Stage.QUEUED
    completed_units: int = 0
    """Never falls within a stage of an attempt."""
    total_units: int = 0
    """0 while unknown."""
    update_time: AwareDatetime


class ResolvedInputs(Value):
    """What was really read."""

    model_digest: str
    data_digest: str
    class_count: int
    layer_count: int
    row_count: int
    rows_used: int
    model_uri: str = ""
    """Where the model was found."""
    model_version: str = ""
    """In its registry; empty without one."""
    inputs: tuple[Input, ...] = ()
    """With every step spelled out."""


class FieldViolation(Value):
    """One field of the specification that made the job fail."""

    field: str
    description: str


class JobError(Value):
    """Why a job failed or was cancelled."""

    code: str
    """Name of an ``ErrorCode``."""
    reason: str
    message: str
    violations: tuple[FieldViolation, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, error: ServiceError) -> Self:
        """The record of an error."""
        return cls(
            code=error.code.name,
            reason=error.reason,
            message=error.message,
            violations=tuple(
                FieldViolation(field=each.field, description=each.description)
                for each in error.violations
            ),
            metadata=error.metadata,
        )

    def as_violations(self) -> tuple[Violation, ...]:
        """The violations as the errors module has them."""
        return tuple(Violation(each.field, each.description) for each in self.violations)


JobId = Annotated[str, Field(pattern=f"^{ID}$")]
ProjectId = Annotated[str, Field(pattern=f"^{ID}$")]


class Settings(Value):
    """What a caller may say about a job besides its specification."""

    display_name: Line = Field(default="", max_length=128)
    labels: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")],
        Annotated[Line, Field(max_length=128)],
    ] = Field(default_factory=dict, max_length=64)
    annotations: dict[Line, Text] = Field(default_factory=dict, max_length=64)
    priority: Priority = Priority.NORMAL

    def with_changes(self, changes: Mapping[str, object]) -> Self:
        """These settings with other values.

        Args:
            changes: Values by the names of fields; ``labels.KEY`` and ``annotations.KEY`` set one
                entry alone, or remove it where the value is None. Other names are left out.

        Raises:
            ValidationError: The whole is larger than it may be.
        """
        values = self.model_dump()
        for path, value in changes.items():
            field, _, key = path.partition(".")
            if field not in values:
                continue
            if not key:
                values[field] = value
            elif value is None:
                values[field].pop(key, None)
            else:
                values[field][key] = value
        return self.model_validate(values)

    @model_validator(mode="after")
    def _annotations_are_small(self) -> Self:
        texts = [text for entry in self.annotations.items() for text in entry]
        if sum(len(text.encode()) for text in texts) > 16384:
            raise ValueError("annotations must not exceed 16 KiB together")
        return self


class Job(Value):
    """One run of an analysis, as the store has it."""

    project: ProjectId
    id: JobId
    uid: str
    specification: AnalysisSpecification
    settings: Settings = Settings()
    creator: str = ""
    engine_version: str = ""
    state: JobState = JobState.PENDING
    progress: Progress
    attempt: int = 0
    error: JobError | None = None
    verdict: Verdict | None = None
    resolved_inputs: ResolvedInputs | None = None
    create_time: AwareDatetime
    update_time: AwareDatetime
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    expire_time: AwareDatetime | None = None
    ttl_seconds: float | None = None
    """Wanted life of job and result after its end; None for the service's default."""
    trace_parent: str | None = None
    """What its submission belongs to, as the header of W3C Trace Context."""
    revision: int = 1
    """Grows with every change other than progress."""

    @property
    def name(self) -> str:
        """``projects/{project}/analysisJobs/{id}``."""
        return job_name(self.project, self.id)

    @property
    def etag(self) -> str:
        """Changes with every change other than progress (AIP-154)."""
        return hashlib.sha256(f"{self.uid}:{self.revision}".encode()).hexdigest()[:16]

    def urgency(self, now: datetime) -> int:
        """Rank of the job in the queue: that of its priority, and more the longer it waits."""
        promotions = max(0, (now - self.create_time) // PROMOTION)
        return min(self.settings.priority.rank + promotions, Priority.HIGH.rank)

    def to(self, state: JobState, now: datetime, **changes: object) -> "Job":
        """The job in another state.

        Args:
            state: The next state.
            now: Time of the change.
            changes: Other fields that change with it.

        Raises:
            WrongState: The state cannot follow the present one.
        """
        if state not in TRANSITIONS[self.state]:
            raise WrongState(
                f"{self.name} is {self.state}, so it cannot become {state}",
                metadata={"name": self.name, "state": self.state.value},
            )
        if state.terminal:
            changes = {"end_time": now} | changes
        return self.changed(now, state=state, **changes)

    def changed(self, now: datetime, **changes: object) -> "Job":
        """The job with other values, one revision later."""
        return self.model_copy(
            update={**changes, "update_time": now, "revision": self.revision + 1}
        )


def job_name(project: str, job_id: str) -> str:
    """Resource name of a job (AIP-122)."""
    return f"projects/{project}/analysisJobs/{job_id}"


def project_of(name: str) -> str:
    """The project in the resource name of a job."""
    return name.split("/")[1]


def error_of(exception: BaseException, incident: str) -> JobError:
    """The record of whatever ended a job; what is not ours is told by its incident id only."""
    if isinstance(exception, ServiceError):
        return JobError.of(exception)
    return JobError.of(
        InternalError(
            f"internal error; the service's log has the cause under incident {incident}",
            metadata={"incident": incident},
        )
    )
