"""What is told of the service: metrics and spans."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from interference_service.composition.state import State
from interference_service.domain.ports import EventSink
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.settings.parts import TelemetryPart
from interference_service.telemetry.prometheus import ServiceMetrics
from interference_service.telemetry.results import ResultCollector
from interference_service.telemetry.security import SecurityMetrics
from interference_service.telemetry.sinks import EventSinks

if TYPE_CHECKING:
    from interference_service.telemetry.traces import Traces


@dataclass(frozen=True, slots=True)
class Observation:
    """Who is told what happens.

    Attributes:
        registry: Series of this process.
        results: Series of jobs and results, the same in every replica.
        metrics: Counts what happens.
        security: Counts what has to do with who calls.
        sink: Is told of every event.
        tracer: Records spans.
    """

    registry: CollectorRegistry
    results: CollectorRegistry
    metrics: ServiceMetrics
    security: SecurityMetrics
    sink: EventSink
    tracer: Tracer


def observation(part: TelemetryPart, state: State, traces: "Traces | None") -> Observation:
    """Begin to observe; nothing is exposed yet."""
    registry, results = CollectorRegistry(), CollectorRegistry()
    metrics = ServiceMetrics(registry, max_projects=part.max_projects)
    results.register(
        ResultCollector(
            state.store,
            state.artifacts,
            max_monitors=part.max_monitors,
            max_classes=part.max_classes,
            max_layers=part.max_layers,
            max_projects=part.max_projects,
        )
    )
    return Observation(
        registry,
        results,
        metrics,
        SecurityMetrics(registry),
        EventSinks(metrics, traces) if traces else metrics,
        traces or UNTRACED,
    )
