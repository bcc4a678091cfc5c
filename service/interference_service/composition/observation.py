"""What is told of the service: metrics and spans."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from interference_service.composition.state import State
from interference_service.compute.versions import environment_reader
from interference_service.domain.ports import EventSink
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.settings.parts import TelemetryPart
from interference_service.telemetry.exemplars import exemplars
from interference_service.telemetry.prometheus import ServiceMetrics
from interference_service.telemetry.results import ResultCollector
from interference_service.telemetry.security import SecurityMetrics
from interference_service.telemetry.sinks import EventSinks
from interference_service.telemetry.store import StoreMetrics

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
        state: What the service keeps, in a store that is timed.
    """

    registry: CollectorRegistry
    results: CollectorRegistry
    metrics: ServiceMetrics
    security: SecurityMetrics
    sink: EventSink
    tracer: Tracer
    state: State


def observation(part: TelemetryPart, state: State, traces: "Traces | None") -> Observation:
    """Begin to observe; nothing is exposed yet."""
    registry, results = CollectorRegistry(), CollectorRegistry()
    tracer = traces or UNTRACED
    metrics = ServiceMetrics(
        registry,
        build=_build(),
        exemplar=exemplars(tracer),
        max_projects=part.max_projects,
    )
    state = replace(state, store=StoreMetrics(registry).timed(state.store))
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
        tracer,
        state,
    )


def _build() -> Mapping[str, str]:
    """What runs here; two checkouts of one version are told apart by their sources."""
    found = environment_reader()()
    return {
        "version": found["gradient-interference"],
        "revision": found["sources"],
        "python": found["Python"],
        "torch": found["torch"],
        "ray": found["Ray"],
    }
