"""Traces with OpenTelemetry, configured by its own ``OTEL_…`` variables; imported if switched on.

Spans are sent from a thread of their own, many at a time. Where nobody takes them the queue is full
one day and the oldest are dropped; the log says so now and then, and nothing else notices.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import context as contexts, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from interference_service import __version__
from interference_service.domain.events import (
    Event,
    JobFinished,
    JobSubmitted,
    WorkDone,
    WorkerDied,
)
from interference_service.domain.job import JobState
from interference_service.domain.tracing import NO_ATTRIBUTES, Attributes
from interference_service.errors import Cancelled, InternalError, ServiceError
from interference_service.telemetry.rpc import split_method

MOST_WORK = 512
"""Calls of workers that become spans within one other; how many were left out, that one tells."""
_SERVICE = "interference-service"
_FLUSH_SECONDS = 5.0
_LONGEST = 512
"""Characters of an attribute."""
_UNTRACED = "grpc.health.v1.Health"
"""Service whose methods are called every few seconds."""
_HEADERS = frozenset({"traceparent", "tracestate"})
_NANOS_PER_SECOND = 10**9

_propagator = TraceContextTextMapPropagator()


class _Work:
    """Calls of workers within one span."""

    def __init__(self) -> None:
        self.count = 0


_WORK = contexts.create_key("interference-work")


class Traces:
    """``Tracer`` and ``EventSink`` over OpenTelemetry."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("interference_service", __version__)

    @contextmanager
    def serve(self, method: str, metadata: Sequence[tuple[str, str | bytes]]) -> Iterator[None]:
        """See ``Tracer.serve``; the conventions for names and attributes are OpenTelemetry's."""
        service, short = split_method(method)
        if service == _UNTRACED:
            yield
            return
        headers = {
            key: value for key, value in metadata if key in _HEADERS and isinstance(value, str)
        }
        parent = _propagator.extract(headers, Context())
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": short}
        span = self._tracer.start_span(
            f"{service}/{short}", parent, kind=SpanKind.SERVER, attributes=attributes
        )
        with _entered(span):
            yield

    @contextmanager
    def follow(
        self, name: str, trace_parent: str | None, attributes: Attributes = NO_ATTRIBUTES
    ) -> Iterator[None]:
        """See ``Tracer.follow``."""
        origin = _propagator.extract({"traceparent": trace_parent or ""}, Context())
        before = trace.get_current_span(origin).get_span_context()
        links = [Link(before)] if before.is_valid else []
        span = self._tracer.start_span(
            name, Context(), kind=SpanKind.CONSUMER, attributes=_cut(attributes), links=links
        )
        with _entered(span):
            yield

    @contextmanager
    def span(self, name: str, attributes: Attributes = NO_ATTRIBUTES) -> Iterator[None]:
        """See ``Tracer.span``; an error that passes through is told by what a client may hear."""
        span = self._tracer.start_span(name, attributes=_cut(attributes))
        with _entered(span):
            try:
                yield
            except Cancelled:
                raise
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR, _told(error)))
                raise

    def describe(self, attributes: Attributes) -> None:
        """See ``Tracer.describe``."""
        trace.get_current_span().set_attributes(_cut(attributes))

    def fail(self, reason: str) -> None:
        """See ``Tracer.fail``."""
        trace.get_current_span().set_status(Status(StatusCode.ERROR, reason))

    def trace_parent(self) -> str | None:
        """See ``Tracer.trace_parent``."""
        headers: dict[str, str] = {}
        _propagator.inject(headers)
        return headers.get("traceparent")

    def emit(self, event: Event) -> None:
        """See ``EventSink.emit``."""
        match event:
            case WorkDone():
                self._add(event)
            case WorkerDied(reason):
                trace.get_current_span().add_event("worker lost", {"reason": reason})
            case JobSubmitted(name):
                self.describe({"interference.job": name})
            case JobFinished(_, state, reason):
                self.describe({"interference.state": state.value})
                if state is JobState.FAILED:
                    self.fail(reason)
            case _:
                pass

    def _add(self, done: WorkDone) -> None:
        """Record a call of a worker, which has told when it ran, within what surrounds it."""
        within = contexts.get_value(_WORK)
        if not isinstance(within, _Work):
            return
        within.count += 1
        if within.count > MOST_WORK:
            return
        work = done.work
        begin = int(work.started * _NANOS_PER_SECOND)
        attributes = _cut(
            {
                "interference.work": done.what,
                "host.name": work.host,
                "process.pid": work.process,
                **{f"interference.{name}": value for name, value in done.attributes.items()},
            }
        )
        span = self._tracer.start_span(work.name, attributes=attributes, start_time=begin)
        span.end(begin + int(work.seconds * _NANOS_PER_SECOND))


@contextmanager
def opened_traces() -> Iterator[Traces]:
    """Record spans and send them; at the end those that are left are sent, within seconds.

    Makes gRPC objects, so a local Ray must have been started before.

    Yields:
        What records.

    Raises:
        OSError: A variable does not fit.
    """
    try:
        # Nothing would bound the end that it makes of itself when the process exits.
        provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    except ValueError as error:
        raise OSError(f"the OTEL_… variables do not fit: {error}") from error
    try:
        yield Traces(provider)
    finally:
        closing = threading.Thread(target=provider.shutdown, name="traces-closing", daemon=True)
        closing.start()
        closing.join(_FLUSH_SECONDS)


def _resource() -> Resource:
    """What the operator says of this service, and else what it is."""
    given = OTELResourceDetector().detect().attributes
    return Resource.create({"service.name": _SERVICE, "service.version": __version__, **given})


@contextmanager
def _entered(span: Span) -> Iterator[None]:
    """The span surrounds what happens, and ends with it."""
    work = _Work()
    token = contexts.attach(contexts.set_value(_WORK, work, trace.set_span_in_context(span)))
    try:
        yield
    finally:
        contexts.detach(token)
        if work.count > MOST_WORK:
            span.set_attribute("interference.work.omitted", work.count - MOST_WORK)
        span.end()


def _cut(attributes: Attributes) -> Attributes:
    return {
        name: value[:_LONGEST] if isinstance(value, str) else value
        for name, value in attributes.items()
    }


def _told(error: BaseException) -> str:
    """What of an error may leave the service: of one that is not ours its type alone."""
    if isinstance(error, ServiceError) and error.reason != InternalError.reason:
        return f"{error.reason}: {error.message}"[:_LONGEST]
    return type(error).__name__
