"""What a caller gives to have a job made."""

from dataclasses import dataclass
from datetime import datetime

from interference_service.domain.job import Settings
from interference_service.domain.ports import Idempotency
from interference_service.domain.specification import AnalysisSpecification


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
        """What tells a replay from another wish; None without a request id, or to validate only."""
        if not self.request_id or self.validate_only:
            return None
        return Idempotency(self.principal, self.request_id, self.request_digest)
