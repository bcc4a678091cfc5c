"""The exit status that a pipeline decides by."""

import json
import signal
import subprocess
import sys
import threading
from typing import Any

import grpc
import pytest

from interference.v1 import analysis_job_pb2 as job_pb2, analysis_service_pb2 as service_pb2
from interference_client import _cli_commands, cli, errors
from interference_client._cli_exit import of_error
from support.command_line import SUBMISSION, ends, verdict
from support.scripted_service import NAME, fails, job, silent, snapshot

CODE = grpc.StatusCode


@pytest.mark.parametrize(
    ("state", "fields", "status"),
    [
        ("SUCCEEDED", {}, 0),
        ("SUCCEEDED", {"verdict": verdict("PASSED")}, 0),
        ("SUCCEEDED", {"verdict": verdict("VIOLATED")}, 1),
        ("SUCCEEDED", {"verdict": verdict("UNDETERMINED")}, 8),
        ("SUCCEEDED", {"verdict": job_pb2.Verdict(outcome=77)}, 8),
        ("FAILED", {}, 3),
        ("CANCELLED", {}, 4),
    ],
)
def test_wait_ends_with_the_status_of_the_job(service, run, state, fields, status):
    ends(service, state, **fields)
    assert run("wait", "nightly")[0] == status


def test_wait_that_takes_too_long_is_5_and_names_the_job(service, run):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", silent)
    status, _, err = run("wait", "nightly", "--timeout=0.3")
    assert status == 5
    assert NAME in err


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (fails(CODE.UNAUTHENTICATED), 6),
        (fails(CODE.PERMISSION_DENIED), 6),
        (fails(CODE.UNAVAILABLE), 7),
        (fails(CODE.INTERNAL), 7),
        (fails(CODE.DATA_LOSS), 7),
        (fails(CODE.NOT_FOUND), 9),
        (fails(CODE.INVALID_ARGUMENT), 9),
        (fails(CODE.FAILED_PRECONDITION), 9),
    ],
)
def test_errors_end_with_the_status_of_their_kind(service, run, answer, status):
    service.script("GetAnalysisJob", answer)
    assert run("get", "nightly")[0] == status


def test_a_watch_that_is_cut_for_good_is_7(service, run):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", [])
    assert run("wait", "nightly")[0] == 7


STATUSES = {
    6: {errors.Unauthenticated, errors.PermissionDenied},
    7: {
        errors.QuotaExceeded,
        errors.Unavailable,
        errors.DeadlineExceeded,
        errors.InternalError,
        errors.UnknownServerError,
        errors.StreamCut,
    },
    9: {
        errors.InvalidArgument,
        errors.NotFound,
        errors.AlreadyExists,
        errors.WrongState,
        errors.NoResult,
        errors.Aborted,
        errors.ClientTooOld,
        errors.ExportFailed,
    },
}


def test_every_error_of_the_client_has_its_status():
    kinds = errors.InterferenceError.__subclasses__()
    with_a_message = {each for each in kinds if each.__init__ is errors.InterferenceError.__init__}
    assert with_a_message == set().union(*STATUSES.values())
    for status, each in STATUSES.items():
        assert {of_error(kind("why")) for kind in each} == {status}


@pytest.mark.parametrize("defect", [KeyError("why"), ValueError("why")])
def test_a_defect_is_not_taken_for_what_was_given(service, run, monkeypatch, defect):
    def broken(*_: Any) -> int:
        raise defect

    monkeypatch.setattr(cli.Client, "job", broken)
    status, _, err = run("get", "nightly")
    assert status == 70
    assert type(defect).__name__ in err


def test_an_interrupted_wait_is_130_and_leaves_the_job(service, run, monkeypatch):
    service.script("GetAnalysisJob", job("RUNNING"))
    monkeypatch.setattr(_cli_commands.Job, "wait", interrupted)
    status, _, err = run("wait", "nightly")
    assert status == 130
    assert "goes on" in err
    assert not service.requests("CancelAnalysisJob")


def test_an_interrupted_wait_cancels_if_told_to(service, run, monkeypatch):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("CancelAnalysisJob", job("CANCELLING"))
    monkeypatch.setattr(_cli_commands.Job, "wait", interrupted)
    assert run("wait", "nightly", "--cancel-on-interrupt")[0] == 130
    assert len(service.requests("CancelAnalysisJob")) == 1


def interrupted(*_: Any, **__: Any) -> None:
    signal.raise_signal(signal.SIGINT)
    threading.Event().wait(20)


def test_a_defect_of_the_client_is_never_a_verdict(service, run, monkeypatch):
    def broken(*_: Any) -> int:
        raise ArithmeticError("why")

    monkeypatch.setattr(cli.Client, "job", broken)
    status, _, err = run("gate", "nightly")
    assert status == 70
    assert "ArithmeticError: why" in err


def test_submit_and_wait_ends_with_the_verdict(service, run):
    service.script("CreateAnalysisJob", job())
    service.script("WatchAnalysisJob", [snapshot("SUCCEEDED", verdict=verdict("VIOLATED"))])
    status, out, _ = run(*SUBMISSION, "--wait")
    assert status == 1
    assert "VIOLATED     learns: was -1, wanted 0" in out


@pytest.mark.parametrize(
    ("outcome", "status"), [("PASSED", 0), ("VIOLATED", 1), ("UNDETERMINED", 8)]
)
def test_gate_ends_with_the_verdict(service, run, outcome, status):
    ends(service, "SUCCEEDED", verdict=verdict(outcome))
    found, out, _ = run("gate", "nightly", "--json")
    assert found == status
    assert json.loads(out)["verdict"]["gates"][0]["outcome"] == outcome


def test_gate_of_a_job_without_gates_is_undetermined(service, run):
    ends(service, "SUCCEEDED", verdict=job_pb2.Verdict(outcome="PASSED"))
    assert run("gate", "nightly")[0] == 8


def test_gate_of_a_failed_job_is_3(service, run):
    ends(service, "FAILED")
    assert run("gate", "nightly")[0] == 3


def test_a_reader_that_stops_early_is_no_trace(service, target):
    page = service_pb2.ListAnalysisJobsResponse(analysis_jobs=[job()] * 200, next_page_token="more")
    service.script("ListAnalysisJobs", page)
    command = [sys.executable, "-m", "interference_client.cli", "list", "--limit=20000", "--json"]
    with subprocess.Popen(
        [*command, f"--target={target}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == ""


def test_a_bad_value_is_told_with_its_reason(run, capsys):
    with pytest.raises(SystemExit):
        run(*SUBMISSION, "--input=y=video:y")
    assert "write name=image:column" in capsys.readouterr().err
