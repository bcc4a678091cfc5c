"""Series of what projects use: refusals for their limits, and streams of responses."""

from typing import assert_never

from prometheus_client import CollectorRegistry, Counter, Gauge

from interference_service.domain.events import (
    QuotaRefused,
    StreamClosed,
    StreamOpened,
    UsageEvent,
)
from interference_service.domain.quotas import LIMITS, StreamKind
from interference_service.telemetry.projects import OTHERS, ProjectLabels


class UsageMetrics:
    """Counts refusals and streams; safe to share among threads."""

    def __init__(self, registry: CollectorRegistry, max_projects: int) -> None:
        self._projects = ProjectLabels(max_projects)
        self._refused = Counter(
            "interference_quota_refusals",
            "Calls that were refused for a limit of their project.",
            ("project", "limit"),
            registry=registry,
        )
        self._open = Gauge(
            "interference_streams_open",
            "Streams of responses that are open.",
            ("kind",),
            registry=registry,
        )
        for limit in LIMITS:
            self._refused.labels(OTHERS, limit)
        for kind in StreamKind:
            self._open.labels(kind.value)

    def emit(self, event: UsageEvent) -> None:
        """Count what happened."""
        match event:
            case QuotaRefused(project, limit):
                self._refused.labels(self._projects.of(project), limit).inc()
            case StreamOpened(kind):
                self._open.labels(kind.value).inc()
            case StreamClosed(kind):
                self._open.labels(kind.value).dec()
            case _:
                assert_never(event)
