"""Series about who was refused, and about the certificate."""

import pytest
from prometheus_client import CollectorRegistry

from interference_service.domain.access import Refusal, Source
from interference_service.telemetry.security import SecurityMetrics


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def metrics(registry):
    return SecurityMetrics(registry)


def test_every_cause_of_a_refusal_is_there_before_the_first(registry, metrics):
    for cause in Refusal:
        name = "interference_refused_calls_total"
        assert registry.get_sample_value(name, {"cause": cause.value}) == 0
        metrics.count_refusal(cause.value)
        assert registry.get_sample_value(name, {"cause": cause.value}) == 1


def test_every_source_that_may_fail_is_there_before_it_does(registry, metrics):
    for source in Source:
        name = "interference_security_reload_failures_total"
        assert registry.get_sample_value(name, {"source": source.value}) == 0
        metrics.count_reload_failure(source)
        assert registry.get_sample_value(name, {"source": source.value}) == 1


def test_the_expiry_of_a_certificate_is_that_of_the_present_one(registry, metrics):
    name = "interference_certificate_expiry_timestamp_seconds"
    assert registry.get_sample_value(name) is None
    expiries = iter([100.0, 200.0])
    metrics.show_certificate_expiry(lambda: next(expiries))
    assert [registry.get_sample_value(name) for _ in range(2)] == [100.0, 200.0]
