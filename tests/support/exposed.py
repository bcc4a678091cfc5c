"""Every series that a service exposes, by its name as Prometheus stores it, with its labels."""

from prometheus_client.metrics_core import Metric

from interference_service.composition.observation import observation
from interference_service.composition.state import State, SystemClock
from interference_service.settings.parts import TelemetryPart
from support.jobs import job
from support.promql import OF_TARGETS
from support.result_series import Bench

_ENDINGS = {"counter": ("_total",), "info": ("_info",), "histogram": ("_bucket", "_count", "_sum")}
_OF_PROMETHEUS = {"up": frozenset[str](), "scrape_samples_scraped": frozenset[str]()}
_CLASS = frozenset({"project", "monitor", "class"})
_OF_MONITORS = {
    "monitor": frozenset({"project", "monitor"}),
    "class": _CLASS,
    "layer": frozenset({"project", "monitor", "layer"}),
}
_NOT_SHOWN = {
    "interference_class_main_layer": _CLASS | {"layer"},
    "interference_device_memory_bytes": frozenset({"device", "kind"}),
}
"""Labels of series that the example does not have."""


def exposed() -> dict[str, frozenset[str]]:
    """Names and labels of both halves, after an analysis, with one job that waits."""
    bench = Bench()
    bench.publish()
    bench.store.create(job("waiting"), None)
    observed = observation(
        TelemetryPart(), State(bench.store, bench.artifacts, SystemClock()), None
    )
    observed.security.show_certificate_expiry(lambda: 0.0)
    families = [*observed.registry.collect(), *observed.results.collect()]
    found = {name: labels for family in families for name, labels in _stored(family).items()}
    return found | _OF_PROMETHEUS


def _stored(family: Metric) -> dict[str, frozenset[str]]:
    labels = {label for sample in family.samples for label in sample.labels}
    if not family.samples:  # a series of monitors that the example does not have
        kind = family.name.split("_")[1]
        labels |= _NOT_SHOWN.get(family.name) or _OF_MONITORS.get(kind, frozenset())
    # A target has labels of its own by these names, so scrapes rename those that are exposed.
    renamed = {f"exported_{each}" if each in OF_TARGETS else each for each in labels}
    endings = _ENDINGS.get(family.type, ("",))
    return {f"{family.name}{ending}": frozenset(renamed) for ending in endings}
