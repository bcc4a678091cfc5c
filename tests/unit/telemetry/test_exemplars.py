"""From a measured time to its trace, for scrapes of OpenMetrics."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from interference_service.domain.events import StageFinished
from interference_service.domain.job import Stage
from interference_service.domain.tracing import UNTRACED
from interference_service.telemetry.exemplars import exemplars
from interference_service.telemetry.prometheus import ServiceMetrics
from interference_service.telemetry.traces import Traces
from support.spans import TRACE_ID, TRACE_PARENT, Recording

METHOD = "/interference.v1.AnalysisService/GetAnalysisJob"


def measured(registry, tracer):
    """Traces of the exemplars after a call and a stage within its trace."""
    metrics = ServiceMetrics(registry, build={}, exemplar=exemplars(tracer))
    with tracer.serve(METHOD, (("traceparent", TRACE_PARENT),)):
        metrics.observe_rpc(METHOD, "unary")("OK", 0.02)
        metrics.emit(StageFinished("j", Stage.SCAN, 2.0))
    return {
        sample.name: sample.exemplar.labels
        for family in text_string_to_metric_families(openmetrics(registry).decode())
        for sample in family.samples
        if sample.exemplar
    }


def test_calls_and_stages_name_their_trace(registry):
    assert measured(registry, Recording().traces) == {
        "grpc_server_handling_seconds_bucket": {"trace_id": TRACE_ID},
        "interference_stage_duration_seconds_bucket": {"trace_id": TRACE_ID},
    }
    assert TRACE_ID not in generate_latest(registry).decode()


@pytest.mark.parametrize(
    "tracer",
    [UNTRACED, Traces(TracerProvider(ALWAYS_OFF, shutdown_on_exit=False))],
    ids=["without traces", "not sampled"],
)
def test_a_trace_that_nobody_keeps_is_not_named(registry, tracer):
    assert measured(registry, tracer) == {}
