"""What the service allows a project; told to clients by GetServerInfo."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from interference_service.domain.job import Priority
from interference_service.domain.quotas import Quota
from interference_service.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on requests and on what is kept."""

    max_classes: int = 10_000
    max_layers: int = 10_000
    max_page_size: int = 200
    default_page_size: int = 50
    max_watch_seconds: float = 1_800.0
    """After it a watch ends with OK and is to be resumed."""
    default_ttl_seconds: float = 90 * 86_400.0
    """Life of a job and its result after its end."""
    max_ttl_seconds: float = 366 * 86_400.0
    quota: Quota = field(default_factory=Quota)
    """What the project may have at once and ask for."""

    def of(self, quota: Quota) -> "Limits":
        """The limits of a project that has another quota."""
        longest = quota.max_ttl_seconds or self.max_ttl_seconds
        return replace(
            self,
            quota=quota,
            max_ttl_seconds=longest,
            default_ttl_seconds=min(self.default_ttl_seconds, longest),
        )

    def check_priority(self, priority: Priority) -> None:
        """Refuse a priority that is higher than allowed.

        Raises:
            InvalidRequest: It is.
        """
        highest = self.quota.highest_priority
        if priority.rank > highest.rank:
            raise InvalidRequest.field(
                "analysis_job.priority",
                f"is {priority}; the highest that this project may ask for is {highest}",
            )

    def check_life(
        self, now: datetime, ttl_seconds: float | None, expire_time: datetime | None
    ) -> None:
        """Refuse a life that is longer than allowed, or over already.

        Args:
            now: The time.
            ttl_seconds: How long a job is to be kept after its end; None: not said.
            expire_time: Until when it is to be kept; None: not said.

        Raises:
            InvalidRequest: One of them does not fit.
        """
        longest = self.max_ttl_seconds
        if ttl_seconds is not None and not 0 < ttl_seconds <= longest:
            raise InvalidRequest.field(
                "analysis_job.ttl",
                f"is {ttl_seconds:g} s; it must be above 0 and at most {longest:g} s",
            )
        if expire_time is not None and not now < expire_time <= now + timedelta(seconds=longest):
            raise InvalidRequest.field(
                "analysis_job.expire_time",
                f"is {expire_time.isoformat()}; it must be in the future, at most {longest:g} s away",
            )
