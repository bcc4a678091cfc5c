"""Following a job to its end, through everything that cuts a stream."""

import math
import threading
import time
from contextlib import ExitStack

import grpc
import pytest
from google.rpc import error_details_pb2

from interference_client import Client, JobSnapshot, Progress, _calls, errors
from support.scripted_service import (
    NAME,
    ScriptedService,
    fails,
    heartbeat,
    job,
    progress,
    serving,
    silent,
    snapshot,
    then_fails,
)

CODE = grpc.StatusCode


@pytest.fixture
def running(service: ScriptedService, client: Client):
    service.script("GetAnalysisJob", job("RUNNING"))
    return client.job("nightly")


def tokens(service: ScriptedService) -> list[str]:
    return [each.resume_token for each in service.requests("WatchAnalysisJob")]


def test_events_are_told_and_heartbeats_are_not(service, running):
    service.script(
        "WatchAnalysisJob",
        [snapshot("RUNNING"), heartbeat(), progress(1, 3), heartbeat(), snapshot("SUCCEEDED")],
    )
    events = list(running.events())
    assert [type(event) for event in events] == [JobSnapshot, Progress, JobSnapshot]
    assert events[1] == Progress("GRADIENTS", 1, 3)
    assert running.state == "SUCCEEDED"


def test_progress_keeps_the_handle_up_to_date(service, running):
    service.script("WatchAnalysisJob", [snapshot("RUNNING"), progress(2, 3), snapshot("SUCCEEDED")])
    seen = [running.progress.completed_units for _ in running.events()]
    assert seen == [0, 2, 0]


def test_an_end_without_a_terminal_snapshot_is_no_end(service, running):
    service.script("WatchAnalysisJob", [snapshot("RUNNING", "t1")], [snapshot("SUCCEEDED", "t2")])
    assert running.wait().state == "SUCCEEDED"
    assert tokens(service) == ["", "t1"]


@pytest.mark.parametrize("code", [CODE.UNAVAILABLE, CODE.DEADLINE_EXCEEDED, CODE.CANCELLED])
def test_a_cut_watch_goes_on_where_it_was(service, running, code):
    service.script(
        "WatchAnalysisJob",
        then_fails([snapshot("RUNNING", "t1"), progress(1, 2, "t2")], code),
        [progress(2, 2, "t3"), snapshot("SUCCEEDED", "t4")],
    )
    assert running.wait().state == "SUCCEEDED"
    assert tokens(service) == ["", "t2"]


def test_an_error_that_a_retry_cannot_mend_ends_the_watch(service, running):
    service.script("WatchAnalysisJob", fails(CODE.NOT_FOUND, "gone"))
    with pytest.raises(errors.NotFound):
        running.wait()
    assert len(tokens(service)) == 1


def test_a_watch_survives_a_restart_of_the_service():
    first, second, heard = ScriptedService(), ScriptedService(), threading.Event()

    first.script("GetAnalysisJob", job("RUNNING"))
    first.script("WatchAnalysisJob", silent)
    second.script("WatchAnalysisJob", [snapshot("SUCCEEDED")])
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        port = server.enter_context(serving(first))
        watched = stack.enter_context(Client(f"127.0.0.1:{port}")).job("nightly")
        waiting = threading.Thread(target=watched.wait, kwargs={"on_event": lambda _: heard.set()})
        waiting.start()
        assert heard.wait(20)
        server.close()
        stack.enter_context(serving(second, port))
        waiting.join(30)
        assert watched.state == "SUCCEEDED"
    assert tokens(second) == ["t1"]


def test_a_service_that_stays_away_is_given_up(service, target):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", fails(CODE.UNAVAILABLE))
    with Client(target, patience=0.2) as client, pytest.raises(errors.Unavailable):
        client.job("nightly").wait()


def test_streams_that_only_end_are_given_up_as_cut(service, target):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", [])
    with Client(target, patience=0.2) as client, pytest.raises(errors.StreamCut):
        client.job("nightly").wait()


def test_a_wait_may_be_without_end(service, running):
    service.script("WatchAnalysisJob", [snapshot("SUCCEEDED")])
    assert running.wait(timeout=math.inf).state == "SUCCEEDED"


def test_a_wait_that_takes_too_long_names_the_state_and_leaves_the_job(service, running):
    service.script("WatchAnalysisJob", silent)
    with pytest.raises(errors.WaitTimeout) as caught:
        running.wait(timeout=0.3)
    assert (caught.value.name, caught.value.state) == (NAME, "RUNNING")
    assert not service.requests("CancelAnalysisJob")


def test_a_stream_that_falls_silent_is_opened_again(service, running, monkeypatch):
    monkeypatch.setattr(_calls, "SILENCE_SECONDS", 0.2)
    service.script("WatchAnalysisJob", silent, [snapshot("SUCCEEDED")])
    assert running.wait().state == "SUCCEEDED"
    assert tokens(service) == ["", "t1"]


def test_a_reader_that_takes_its_time_cuts_no_stream(service, running, monkeypatch):
    monkeypatch.setattr(_calls, "SILENCE_SECONDS", 0.1)
    service.script("WatchAnalysisJob", [snapshot("RUNNING"), snapshot("SUCCEEDED")])
    running.wait(on_event=lambda _: threading.Event().wait(0.4))
    assert tokens(service) == [""]


def test_a_failed_job_raises_with_what_is_wrong(service, running):
    failed = snapshot("FAILED")
    failed.snapshot.error.message = "no such column"
    detail = error_details_pb2.BadRequest()
    detail.field_violations.add(field="spec.data.label_column", description="is missing")
    failed.snapshot.error.details.add().Pack(detail)
    service.script("WatchAnalysisJob", [failed])
    with pytest.raises(errors.JobFailed, match="no such column") as caught:
        running.wait()
    assert caught.value.violations[0].field == "spec.data.label_column"
    assert caught.value.job.state == "FAILED"


def test_a_cancelled_job_raises_unless_told_not_to(service, running):
    service.script("WatchAnalysisJob", [snapshot("CANCELLED")])
    with pytest.raises(errors.JobCancelled):
        running.wait()
    assert running.wait(check=False).state == "CANCELLED"


def test_every_event_is_passed_on(service, running):
    service.script("WatchAnalysisJob", [snapshot("RUNNING"), progress(1, 1), snapshot("SUCCEEDED")])
    events = []
    running.wait(on_event=events.append)
    assert len(events) == 3


def test_progress_is_a_line_a_stage_where_there_is_no_terminal(service, running, capsys):
    service.script(
        "WatchAnalysisJob",
        [snapshot("RUNNING"), progress(1, 2), progress(2, 2), snapshot("SUCCEEDED")],
    )
    running.wait(progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"{NAME}: {stage}" for stage in ("running", "gradients", "succeeded")]


def test_a_watch_that_finds_no_place_comes_again_when_it_was_told_to(service, running):
    full = fails(CODE.RESOURCE_EXHAUSTED, reason="QUOTA_EXCEEDED", retry_seconds=0.3)
    service.script("WatchAnalysisJob", full, [snapshot("SUCCEEDED")])
    begin = time.monotonic()
    assert running.wait().state == "SUCCEEDED"
    assert time.monotonic() - begin >= 0.3


def test_a_watch_that_never_finds_a_place_says_why_in_the_end(service, target):
    service.script("GetAnalysisJob", job("RUNNING"))
    full = fails(CODE.RESOURCE_EXHAUSTED, reason="QUOTA_EXCEEDED", retry_seconds=0.05)
    service.script("WatchAnalysisJob", full)
    with Client(target, patience=0.2) as client, pytest.raises(errors.QuotaExceeded) as caught:
        client.job("nightly").wait()
    assert caught.value.retry_after_seconds == 0.05
