"""What a caller gives to have a job made."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from interference_service.domain.job import Job, Progress, Settings
from interference_service.domain.ports import Idempotency
from interference_service.domain.specification import AnalysisSpecification
from interference_service.jobs.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A wish to run an analysis."""

    project: str
    job_id: str
    """Empty: the service makes one."""
    specification: AnalysisSpecification
    settings: Settings
    principal: str
    request_id: str = ""
    request_digest: str = ""
    ttl_seconds: float | None = None
    expire_time: datetime | None = None
    validate_only: bool = False
    trace_parent: str | None = None
    """What the submission belongs to, as the header of W3C Trace Context."""

    @property
    def idempotency(self) -> Idempotency | None:
        """What tells a replay from another wish; None without a request id."""
        if not self.request_id:
            return None
        return Idempotency(self.principal, self.request_id, self.request_digest)

    def job(self, limits: Limits, now: datetime, engine_version: str) -> Job:
        """The job that is wished for, as it is when it is made.

        Args:
            limits: Of the project.
            now: The time.
            engine_version: Of the service that makes it.

        Raises:
            InvalidRequest: Priority or life are not within the limits.
        """
        limits.check_priority(self.settings.priority)
        limits.check_life(now, self.ttl_seconds, self.expire_time)
        return Job(
            project=self.project,
            id=self.job_id or f"job-{uuid.uuid4().hex[:20]}",
            uid=str(uuid.uuid4()),
            specification=self.specification,
            settings=self.settings,
            creator=self.principal,
            engine_version=engine_version,
            progress=Progress(update_time=now),
            create_time=now,
            update_time=now,
            ttl_seconds=self._ttl_seconds(limits),
            expire_time=self.expire_time,
            trace_parent=self.trace_parent,
        )

    def _ttl_seconds(self, limits: Limits) -> float | None:
        """As wished for, or as the project has it in place of the service's default."""
        silent = self.ttl_seconds is None and self.expire_time is None
        if silent and limits.quota.max_ttl_seconds is not None:
            return limits.default_ttl_seconds
        return self.ttl_seconds
