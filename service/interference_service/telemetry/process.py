"""Series of the process: whether it is ready, and whether its event loop turns."""

from collections.abc import Callable
from typing import assert_never

from prometheus_client import CollectorRegistry, Gauge, Histogram

from interference_service.domain.events import DependencySeen, LoopTurned, ReadinessSeen

_DEPENDENCIES = ("store", "cluster")
_LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ProcessMetrics:
    """Readiness and event loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ready = Gauge(
            "interference_ready",
            "1 while the service takes work; 0: something is not there, or it goes down.",
            registry=registry,
        )
        self._dependency_up = Gauge(
            "interference_dependency_up",
            "1 while it answers.",
            ("dependency",),
            registry=registry,
        )
        self._lag = Histogram(
            "interference_event_loop_lag_seconds",
            "By how much the event loop was late, four times a second.",
            buckets=_LAG_BUCKETS,
            registry=registry,
        )
        self._stalled = Gauge(
            "interference_event_loop_stalled_seconds",
            "For how long the event loop has been late at this moment.",
            registry=registry,
        )
        for dependency in _DEPENDENCIES:
            self._dependency_up.labels(dependency)

    def follow_loop(self, stalled_seconds: Callable[[], float]) -> None:
        """Ask for the stall of the event loop at every scrape."""
        self._stalled.set_function(stalled_seconds)

    def note(self, event: DependencySeen | ReadinessSeen | LoopTurned) -> None:
        """Take in what was seen."""
        match event:
            case DependencySeen(name, there):
                self._dependency_up.labels(name).set(there)
            case ReadinessSeen(ready):
                self._ready.set(ready)
            case LoopTurned(late):
                self._lag.observe(late)
            case _:
                assert_never(event)
