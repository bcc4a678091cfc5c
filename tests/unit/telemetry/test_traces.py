"""What becomes of calls, attempts, stages and the work of workers as spans."""

import threading
import time
from contextvars import copy_context

import pytest
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from interference_service.domain.events import JobFinished, JobSubmitted, Work, WorkDone, WorkerDied
from interference_service.domain.job import JobState
from interference_service.errors import Cancelled, InternalError, InvalidData
from interference_service.telemetry import traces as module
from interference_service.telemetry.traces import MOST_WORK, opened_traces
from support.collector import collecting
from support.spans import SPAN_ID, TRACE_ID, TRACE_PARENT, Recording

METHOD = "/interference.v1.AnalysisService/GetAnalysisJob"
WORK = WorkDone(
    Work("scan", 1_700_000_000.5, 0.25, "node-1", 42), "the scan of rows 0 to 9", {"rows": 10}
)


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def traces(recording):
    return recording.traces


def parent_of(span) -> str | None:
    return format_span_id(span.parent.span_id) if span.parent else None


def test_a_call_goes_on_with_the_trace_of_its_caller(recording, traces):
    with traces.serve(METHOD, (("x", "y"), ("traceparent", TRACE_PARENT), ("tracestate", "a=b"))):
        pass
    (span,) = recording.spans
    assert span.name == "interference.v1.AnalysisService/GetAnalysisJob"
    assert span.kind is SpanKind.SERVER
    assert format_trace_id(span.context.trace_id) == TRACE_ID
    assert parent_of(span) == SPAN_ID
    assert span.context.trace_state.get("a") == "b"
    assert dict(span.attributes) == {
        "rpc.system": "grpc",
        "rpc.service": "interference.v1.AnalysisService",
        "rpc.method": "GetAnalysisJob",
    }


@pytest.mark.parametrize(
    "header", ["", "00-1-2-01", "ff", "x" * 9999, TRACE_PARENT.replace("0af", "xyz")]
)
def test_a_trace_context_that_is_none_begins_a_trace(recording, traces, header):
    with traces.serve(METHOD, (("traceparent", header),)):
        pass
    assert recording.spans[0].parent is None


def test_the_trace_of_one_call_does_not_reach_into_the_next(recording, traces):
    with traces.serve(METHOD, (("traceparent", TRACE_PARENT),)), traces.serve(METHOD, ()):
        pass
    assert recording.spans[0].parent is None


def test_questions_after_health_are_not_recorded(recording, traces):
    with traces.serve("/grpc.health.v1.Health/Check", ()):
        pass
    assert not recording.spans
    assert traces.trace_parent() is None


def test_an_attempt_begins_a_trace_that_is_linked_to_its_submission(recording, traces):
    with traces.serve(METHOD, ()), traces.follow("attempt", TRACE_PARENT, {"attempt": 2}):
        pass
    span = recording.named("attempt")
    assert span.parent is None
    assert format_trace_id(span.context.trace_id) != TRACE_ID
    (link,) = span.links
    assert format_trace_id(link.context.trace_id) == TRACE_ID
    assert format_span_id(link.context.span_id) == SPAN_ID
    assert dict(span.attributes) == {"attempt": 2}


@pytest.mark.parametrize("trace_parent", [None, "", "nonsense"])
def test_an_attempt_at_a_job_of_which_nothing_is_known_has_no_link(recording, traces, trace_parent):
    with traces.follow("attempt", trace_parent):
        pass
    assert not recording.named("attempt").links


def test_what_is_stored_of_a_call_is_what_an_attempt_is_linked_to(recording, traces):
    with traces.serve(METHOD, ()):
        stored = traces.trace_parent()
    with traces.follow("attempt", stored):
        pass
    call, attempt = recording.spans
    assert attempt.links[0].context.span_id == call.context.span_id
    assert attempt.links[0].context.trace_id == call.context.trace_id


def test_a_stage_is_within_its_attempt_in_another_thread_too(recording, traces):
    def run() -> None:
        with traces.span("scan"):
            traces.emit(WORK)

    with traces.follow("attempt", None):
        thread = threading.Thread(target=copy_context().run, args=(run,))
        thread.start()
        thread.join()
    work, stage, attempt = recording.spans
    assert parent_of(work) == format_span_id(stage.context.span_id)
    assert parent_of(stage) == format_span_id(attempt.context.span_id)


def test_work_has_the_times_that_the_worker_tells(recording, traces):
    with traces.span("scan stage"):
        traces.emit(WORK)
    span = recording.named("scan")
    assert span.start_time == 1_700_000_000_500_000_000
    assert span.end_time - span.start_time == 250_000_000
    assert dict(span.attributes) == {
        "interference.work": "the scan of rows 0 to 9",
        "host.name": "node-1",
        "process.pid": 42,
        "interference.rows": 10,
    }


def test_work_within_one_span_is_bounded_and_the_rest_is_counted(recording, traces):
    with traces.follow("attempt", None):
        with traces.span("gradients"):
            for _ in range(MOST_WORK + 3):
                traces.emit(WORK)
        with traces.span("reduce"):
            traces.emit(WORK)
    assert len([each for each in recording.spans if each.name == "scan"]) == MOST_WORK + 1
    assert recording.named("gradients").attributes["interference.work.omitted"] == 3
    assert not recording.named("reduce").attributes


def test_work_within_nothing_is_not_recorded(recording, traces):
    traces.emit(WORK)
    assert not recording.spans


def test_an_error_of_ours_is_told_and_of_another_its_type_alone(recording, traces):
    with pytest.raises(InvalidData), traces.span("ours"):
        raise InvalidData.at("data.uris", "is empty")
    for error in (ValueError("password=hunter2"), InternalError("password=hunter2")):
        with pytest.raises(type(error)), traces.span("other"):
            raise error
    told = [each.status.description for each in recording.spans]
    assert told == ["INVALID_DATA: spec.data.uris: is empty", "ValueError", "InternalError"]
    assert {each.status.status_code for each in recording.spans} == {StatusCode.ERROR}
    assert not any("hunter2" in each.to_json() for each in recording.spans)


def test_a_variable_that_does_not_fit_is_told(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    with pytest.raises(OSError, match=r"OTEL_… variables do not fit: .*'soon'"), opened_traces():
        pass


def test_what_is_left_is_sent_at_the_end(monkeypatch):
    with collecting() as (collector, sending):
        for name, value in (sending | {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}).items():
            monkeypatch.setenv(name, value)
        with opened_traces() as traces, traces.span("scan"):
            pass
        assert [each.name for each in collector.spans] == ["scan"]


def test_a_collector_that_never_answers_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(module, "_FLUSH_SECONDS", 1.0)
    with collecting() as (collector, sending):
        collector.answering.clear()
        for name, value in sending.items():
            monkeypatch.setenv(name, value)
        began = time.monotonic()
        with opened_traces() as opened, opened.span("scan"):
            pass
        assert time.monotonic() - began < 4
        assert collector.spans


def test_what_is_stopped_on_request_is_no_error(recording, traces):
    with pytest.raises(Cancelled), traces.span("scan"):
        raise Cancelled("stopped on request")
    assert recording.spans[0].status.status_code is StatusCode.UNSET


def test_what_happens_to_a_job_is_told_of_what_surrounds_it(recording, traces):
    with traces.serve(METHOD, ()):
        traces.emit(JobSubmitted("projects/p/analysisJobs/a"))
    with traces.follow("attempt", None):
        traces.emit(WorkerDied("node_died"))
        traces.emit(JobFinished("a", JobState.FAILED, "WORKER_LOST", 1.0))
    call, attempt = recording.spans
    assert call.attributes["interference.job"] == "projects/p/analysisJobs/a"
    (event,) = attempt.events
    assert (event.name, dict(event.attributes)) == ("worker lost", {"reason": "node_died"})
    assert attempt.attributes["interference.state"] == "FAILED"
    assert attempt.status.status_code is StatusCode.ERROR
    assert attempt.status.description == "WORKER_LOST"


def test_a_long_text_is_cut(recording, traces):
    with traces.span("scan", {"text": "x" * 10_000}):
        pass
    assert len(recording.spans[0].attributes["text"]) == 512
