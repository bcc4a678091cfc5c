"""The page of all series, written from the registries of a service; run as a module, it writes it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from prometheus_client.metrics_core import Metric

from interference_service.composition.observation import Observation, observation
from interference_service.composition.state import State, SystemClock
from interference_service.domain.events import RowsDifferentiated
from interference_service.domain.workers import DeviceMemory
from interference_service.settings.parts import TelemetryPart
from interference_service.telemetry.exposition import Exposition, start_exposition
from support.jobs import job
from support.result_series import Bench

PAGE = Path(__file__).parents[2] / "service" / "METRICS.md"
SERVICE, RESULTS = "/metrics/service", "/metrics/results"
_COLUMNS = ("name", "type", "labels", "unit", "meaning", "series")
_ENDINGS: Mapping[str, str] = MappingProxyType({"counter": "_total", "info": "_info"})
_UNIT = re.compile(r"_(timestamp_seconds|seconds|bytes|ratio)(_change)?(_lower|_upper)?$")
_OPEN = frozenset(
    {"project", "monitor", "class", "suppressor", "layer", "version", "previous_version", "job"}
)
"""Labels whose values callers make up."""
_OF_A_MONITOR = re.compile(r"interference_(?:monitor|(class|layer))_(?:main_(\w+)$)?")
_UNLISTED = {*_OPEN, "grpc_service"}
_MOST_VALUES = 10
"""Values of a label that are listed."""

_HEAD = """\
# Series

Written by `make metric-table` from the registries of the service; a test holds it to them. Every label value that is known
beforehand is there from the start, with 0; what is not known (an undetermined number, the memory of a device that nobody has used) is absent,
never NaN. `/metrics` has both halves. In OpenMetrics the histograms of calls and stages carry the `trace_id` of their trace as exemplars,
where [traces](README.md#traces) are sent.

The last column bounds the series of a family, those of histograms with their buckets. In it *M* is the number of monitors, at most
`INTERFERENCE_TELEMETRY__MAX_MONITORS`, *C* that of classes of a monitor, at most `…__MAX_CLASSES`, *L* that of layers, at most `…__MAX_LAYERS`, and *P* that
of projects, at most `…__MAX_PROJECTS`. What a limit cuts off is counted: `interference_truncated_monitors`,
`interference_monitor_truncated_classes`, `interference_monitor_truncated_layers`, and the project `_others`.
"""
_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        SERVICE: "What this process has counted; every replica has its own, and sums over them are right.",
        RESULTS: "What the store holds; every replica shows the same, so take the maximum, never a sum.",
    }
)


def page() -> str:
    """The whole page."""
    observed = example()
    parts = [_HEAD]
    for path, registry in ((SERVICE, observed.registry), (RESULTS, observed.results)):
        families = sorted(registry.collect(), key=lambda family: family.name)
        rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_row, families)]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        total = _total(families)
        parts.append(f"## `{path}`\n\n{_TEXTS[path]}\n\n{table}\n\nTogether at most {total}.\n")
    return "\n".join(parts)


def example() -> Observation:
    """The registries as the service makes them, after something of every kind has happened."""
    bench = Bench()
    bench.publish("a")
    bench.publish("b")
    bench.store.create(job("waiting"), None)
    observed = observation(
        TelemetryPart(), State(bench.store, bench.artifacts, SystemClock()), None
    )
    observed.security.show_certificate_expiry(lambda: 0.0)
    for device in ("cpu", "cuda"):
        observed.metrics.emit(RowsDifferentiated(1, 1.0, device, DeviceMemory(1, 2)))
    return observed


@contextmanager
def exposed() -> Iterator[Exposition]:
    """The metrics port of the example.

    Yields:
        The port.
    """
    observed = example()
    exposition = start_exposition("127.0.0.1", 0, observed.registry, observed.results, {})
    try:
        yield exposition
    finally:
        exposition.close()


def told(text: str) -> dict[str, str]:
    """The families of a page or of a scrape as text, with their types."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", text, re.MULTILINE)
    return dict(rows or re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


def _row(family: Metric) -> Iterator[str]:
    labels = _labels(family)
    yield f"`{family.name}{_ENDINGS.get(family.type, '')}`"
    yield family.type
    yield ", ".join(_label(each, labels[each]) for each in labels)
    unit = _UNIT.search(family.name)
    yield unit[1].replace("timestamp_seconds", "seconds since 1970") if unit else ""
    yield family.documentation.replace("|", "\\|")
    count, factor = _bound(family)
    yield _product(count, factor)


def _labels(family: Metric) -> dict[str, list[str]]:
    """Names of the labels, and their values so far.

    A series of a monitor that the example does not have shows its labels by its name.
    """
    named = _OF_A_MONITOR.match(family.name)
    by_name = ["project", "monitor", *(each for each in named.groups() if each)] if named else []
    found: dict[str, list[str]] = {each: [] for each in by_name}
    for sample in family.samples:
        for name, value in sample.labels.items():
            values = found.setdefault(name, [])
            if value not in values:
                values.append(value)
    found.pop("le", None)  # of the buckets
    return found


def _label(name: str, values: list[str]) -> str:
    # A single value depends on where the page is written.
    if name in _UNLISTED or not 1 < len(values) <= _MOST_VALUES:
        return f"`{name}`"
    return f"`{name}` ({', '.join(value or 'empty' for value in values)})"


def _bound(family: Metric) -> tuple[int, str]:
    """How many series there are at most: a number, times what callers bring."""
    labels = _labels(family).keys()
    closed = {
        (each.name, *(pair for pair in each.labels.items() if pair[0] not in _OPEN))
        for each in family.samples
    }
    if "monitor" in labels:
        owner = {"class": " · *C*", "layer": " · *L*"}
        factor = "*M*" + next((owner[each] for each in owner if each in labels), "")
    else:
        factor = "(*P* + 1)" if "project" in labels else ""
    return max(1, len(closed)), factor


def _total(families: Iterable[Metric]) -> str:
    totals: Counter[str] = Counter()
    for count, factor in map(_bound, families):
        totals[factor] += count
    return " + ".join(_product(totals[factor], factor) for factor in sorted(totals))


def _product(count: int, factor: str) -> str:
    return factor if factor and count == 1 else f"{count} · {factor}" if factor else str(count)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
