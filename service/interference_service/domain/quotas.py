"""What projects may have at once and ask for, so that none of them starves another."""

from enum import StrEnum
from typing import Annotated, assert_never

from pydantic import Field

from interference_service.domain.inputs import Value
from interference_service.domain.job import Priority, ProjectId

Count = Annotated[int, Field(ge=0, le=1_000_000)]


LIMITS = ("max_active_jobs", "submits_per_minute", "max_watches", "max_matrix_streams")
"""Names of the limits that calls are refused for."""


class StreamKind(StrEnum):
    """What a stream of responses carries."""

    WATCH = "watch"
    MATRICES = "matrices"


class Quota(Value):
    """What one project may have at once and ask for; a count or rate of 0 is no limit."""

    max_active_jobs: Count = 1_000
    """Jobs that are not finished; exact, whatever replicas there are."""
    max_watches: Count = 2_000
    """Open watches, of each replica."""
    max_matrix_streams: Count = 100
    """Open streams of matrices, of each replica."""
    submits_per_minute: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = 600.0
    """Jobs that may be made a minute in the long run, at each replica."""
    submit_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    """Jobs that may be made at once after a pause."""
    highest_priority: Priority = Priority.HIGH
    """Highest priority that a job may be given."""
    max_ttl_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Longest life of a job after its end; None: what all may have."""

    def stream_limit(self, kind: StreamKind) -> tuple[str, int]:
        """Name and value of the limit on streams of a kind."""
        match kind:
            case StreamKind.WATCH:
                return "max_watches", self.max_watches
            case StreamKind.MATRICES:
                return "max_matrix_streams", self.max_matrix_streams
            case _:
                assert_never(kind)


class Quotas(Value):
    """The quotas of all projects."""

    default: Quota = Quota()
    """Of a project that has none of its own."""
    projects: dict[ProjectId, Quota] = Field(default_factory=dict)
    """Of single projects; what one does not say is as in ``default``."""

    def of(self, project: str) -> Quota:
        """The quota of a project."""
        own = self.projects.get(project)
        if own is None:
            return self.default
        return self.default.model_copy(update=own.model_dump(exclude_unset=True))
