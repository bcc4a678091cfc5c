"""Series of the processes that compute gradients: how many, how fast, and how full their devices."""

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import assert_never

from prometheus_client import CollectorRegistry, Counter, Gauge

from interference_service.domain.events import RowsDifferentiated, WorkerDied
from interference_service.domain.workers import Workers

_DEVICES = ("cpu", "cuda")
_LOSSES = ("died", "out_of_memory", "node_died")
_STATES = tuple(each.name for each in fields(Workers))


class WorkerMetrics:
    """Counts workers and what they do; safe to share among threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._workers = Gauge(
            "interference_gradient_workers",
            "Processes of this replica that compute gradients, by what they do.",
            ("state",),
            registry=registry,
        )
        self._lost = Counter(
            "interference_workers_lost",
            "Workers that were lost; their work ran again elsewhere.",
            ("reason",),
            registry=registry,
        )
        self._rows = Counter(
            "interference_gradient_rows",
            "Rows whose gradients were computed.",
            ("device",),
            registry=registry,
        )
        self._seconds = Counter(
            "interference_gradient_seconds",
            "Time that workers spent on gradients, summed over workers.",
            registry=registry,
        )
        self._memory = Gauge(
            "interference_device_memory_bytes",
            "Memory of a device, whoever uses it, as the worker told that finished work last; "
            "cpu: of its machine or container.",
            ("device", "kind"),
            registry=registry,
        )
        for state in _STATES:
            self._workers.labels(state)
        for reason in _LOSSES:
            self._lost.labels(reason)
        for device in _DEVICES:
            self._rows.labels(device)

    def follow(self, count: Callable[[], Workers]) -> None:
        """Ask how many workers there are at every scrape."""

        def number(state: str) -> float:
            return float(getattr(count(), state))

        for state in _STATES:
            self._workers.labels(state).set_function(partial(number, state))

    def note(self, event: RowsDifferentiated | WorkerDied) -> None:
        """Count what happened."""
        match event:
            case RowsDifferentiated(rows, seconds, device, memory):
                self._rows.labels(device).inc(rows)
                self._seconds.inc(seconds)
                if memory is not None:
                    self._memory.labels(device, "used").set(memory.used_bytes)
                    self._memory.labels(device, "total").set(memory.total_bytes)
            case WorkerDied(reason):
                self._lost.labels(reason).inc()
            case _:
                assert_never(event)
