"""What happened, as values; sinks count or log them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from interference_service.domain.job import JobState, Stage
from interference_service.domain.quotas import StreamKind
from interference_service.domain.workers import DeviceMemory


@dataclass(frozen=True, slots=True)
class JobSubmitted:
    """A job became durable."""

    name: str


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A worker took a job."""

    name: str
    attempt: int
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A stage of an attempt ended."""

    name: str
    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class RowsDifferentiated:
    """A unit of work brought gradients."""

    rows: int
    seconds: float
    device: str
    memory: DeviceMemory | None = None
    """Of the device, just after."""


@dataclass(frozen=True, slots=True)
class Work:
    """A call that a worker has carried out, by the worker's own clock."""

    name: str
    """Of the function; one of few."""
    started: float
    """In seconds since 1970."""
    seconds: float
    host: str
    process: int


@dataclass(frozen=True, slots=True)
class WorkDone:
    """A call of a worker has succeeded."""

    work: Work
    what: str
    """What it was about, for people."""
    attributes: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """An actor or task was lost; its work runs again elsewhere."""

    reason: str


@dataclass(frozen=True, slots=True)
class JobFinished:
    """A job entered a terminal state."""

    name: str
    state: JobState
    reason: str
    """Reason of the error, empty for success."""
    seconds: float
    """From creation to end."""


@dataclass(frozen=True, slots=True)
class DependencySeen:
    """Something that the service cannot work without was looked for."""

    name: str
    there: bool


@dataclass(frozen=True, slots=True)
class ReadinessSeen:
    """The service became ready, or is no more."""

    ready: bool


@dataclass(frozen=True, slots=True)
class LoopTurned:
    """The event loop came round."""

    late_seconds: float
    """After the moment at which it should have."""


@dataclass(frozen=True, slots=True)
class QuotaRefused:
    """A limit of a project was in the way of a call."""

    project: str
    limit: str
    """Name of the limit, as in ``Quota``."""


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """A stream of responses began."""

    kind: StreamKind


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """A stream of responses ended."""

    kind: StreamKind


UsageEvent = QuotaRefused | StreamOpened | StreamClosed
"""What projects use of the service beside jobs."""
Event = (
    JobSubmitted
    | AttemptStarted
    | StageFinished
    | RowsDifferentiated
    | WorkDone
    | WorkerDied
    | JobFinished
    | DependencySeen
    | ReadinessSeen
    | LoopTurned
    | UsageEvent
)
