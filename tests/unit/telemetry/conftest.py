"""Series, and what they say."""

import pytest
from prometheus_client import CollectorRegistry

from interference_service.telemetry.prometheus import ServiceMetrics


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def metrics(registry):
    return ServiceMetrics(registry, build={"version": "1.2.3", "revision": "abc"})


@pytest.fixture
def value(registry, metrics):
    def read(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    return read
