"""A collector of traces: the receiving end of OTLP over gRPC."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import (
    trace_service_pb2 as wire,
    trace_service_pb2_grpc as wire_grpc,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(wire_grpc.TraceServiceServicer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.requests: list[wire.ExportTraceServiceRequest] = []
        self.metadata: list[dict[str, Any]] = []
        self.answering = threading.Event()
        """Unless it is set, nobody gets an answer."""
        self.answering.set()

    def Export(
        self, request: wire.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> wire.ExportTraceServiceResponse:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.answering.wait()
        return wire.ExportTraceServiceResponse()

    @property
    def spans(self) -> list[Span]:
        """All spans so far."""
        return [
            span
            for request in list(self.requests)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resources(self) -> list[dict[str, Any]]:
        """What senders say of themselves, once a request."""
        return [
            plain(each.resource.attributes)
            for request in list(self.requests)
            for each in request.resource_spans
        ]

    def named(self, name: str) -> list[Span]:
        """All spans of a name so far."""
        return [span for span in self.spans if span.name == name]

    def within(self, parent: Span) -> list[Span]:
        """The spans right below another so far, in the order of their begins."""
        found = [span for span in self.spans if span.parent_span_id == parent.span_id]
        return sorted(found, key=lambda span: span.start_time_unix_nano)


def plain(attributes: "Iterator[KeyValue] | Any") -> dict[str, Any]:
    """Attributes as a dictionary."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting() -> Iterator[tuple[Collector, dict[str, str]]]:
    """A collector on a free port, and the variables that send traces to it."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(4))
    wire_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield collector, sending_to(port)
    finally:
        collector.answering.set()
        server.stop(None).wait()


def sending_to(port: int) -> dict[str, str]:
    """Variables of a service that sends its traces to a port of this machine, often."""
    return {
        "INTERFERENCE_TELEMETRY__TRACES": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
