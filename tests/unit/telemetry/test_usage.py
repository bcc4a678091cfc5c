"""What projects use, as series that callers cannot multiply."""

import pytest
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry

from interference_service.domain.events import (
    QuotaRefused,
    StreamClosed,
    StreamOpened,
)
from interference_service.domain.quotas import StreamKind
from interference_service.store.artifacts import MemoryArtifactStore
from interference_service.store.memory import MemoryJobStore
from interference_service.telemetry.projects import OTHERS, bounded
from interference_service.telemetry.prometheus import ServiceMetrics
from interference_service.telemetry.results import ResultCollector
from support.jobs import FixedClock, job

COUNTS = st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.integers(1, 100))


@pytest.fixture
def registry():
    return CollectorRegistry()


def test_refusals_are_counted_by_project_and_limit_within_a_bound(registry):
    metrics = ServiceMetrics(registry, build={}, max_projects=2)
    for project in ("solar", "wind", "solar", "water", "earth", "wind"):
        metrics.emit(QuotaRefused(project, "max_watches"))
    metrics.emit(QuotaRefused("solar", "max_active_jobs"))

    def value(project: str, limit: str = "max_watches") -> float | None:
        labels = {"project": project, "limit": limit}
        return registry.get_sample_value("interference_quota_refusals_total", labels)

    assert [value(each) for each in ("solar", "wind", "water", OTHERS)] == [2, 2, None, 2]
    assert value("solar", "max_active_jobs") == 1


@pytest.mark.parametrize("kind", StreamKind)
def test_streams_are_counted_while_they_are_open(registry, kind):
    metrics = ServiceMetrics(registry, build={})

    def value() -> float | None:
        return registry.get_sample_value("interference_streams_open", {"kind": kind.value})

    seen = [value()]
    for event in (StreamOpened, StreamClosed):
        metrics.emit(event(kind))
        seen.append(value())
    assert seen == [0, 1, 0]


@given(COUNTS, st.integers(0, 5))
def test_the_largest_counts_are_kept_and_none_is_lost(counts, most):
    found = bounded(counts, most)
    assert sum(found.values()) == sum(counts.values())
    own = {project: count for project, count in found.items() if project != OTHERS}
    assert len(own) == min(most, len(counts))
    assert own.items() <= counts.items()
    assert all(counts[each] <= min(own.values(), default=100) for each in counts.keys() - own)


def test_unfinished_jobs_are_told_of_the_projects_that_have_the_most(registry):
    store = MemoryJobStore(FixedClock())
    for project, count in {"solar": 3, "wind": 2, "water": 1, "earth": 1}.items():
        for index in range(count):
            store.create(job(f"job-{index}", project=project), None)
    registry.register(ResultCollector(store, MemoryArtifactStore(), max_projects=2))

    def value(project: str) -> float | None:
        return registry.get_sample_value("interference_jobs_active", {"project": project})

    assert [value(each) for each in ("solar", "wind", "water", OTHERS)] == [3, 2, None, 2]
