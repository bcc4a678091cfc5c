"""Calls of the synchronous client against a real server."""

import pickle
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from importlib import metadata

import grpc
import pytest
from google.protobuf import empty_pb2

from interference.v1 import analysis_service_pb2 as service_pb2
from interference_client import Client, Job, errors
from interference_client._config import connection
from support.client_values import DATA, MODEL
from support.scripted_service import NAME, ScriptedService, fails, job
from support.spans import TRACE_ID, TRACE_PARENT, Recording

CODE = grpc.StatusCode


def exists(*, same: bool):
    return fails(
        CODE.ALREADY_EXISTS,
        "taken",
        reason="JOB_EXISTS",
        metadata={"same_spec": "true" if same else "false"},
    )


def test_submit_returns_the_job_with_its_name(service: ScriptedService, client: Client):
    service.script("CreateAnalysisJob", job(display_name="night"))
    submitted = client.submit(MODEL, DATA, display_name="night", labels={"team": "vision"})
    assert (submitted.name, submitted.state) == (NAME, "PENDING")
    (request,) = service.requests("CreateAnalysisJob")
    assert request.parent == "projects/default"
    assert request.analysis_job.labels == {"team": "vision"}
    assert uuid.UUID(request.request_id).version == 4


def test_a_submission_is_retried_with_the_same_request_id(service: ScriptedService, client: Client):
    unreachable = fails(CODE.UNAVAILABLE)
    service.script("CreateAnalysisJob", unreachable, unreachable, job())
    client.submit(MODEL, DATA)
    ids = [each.request_id for each in service.requests("CreateAnalysisJob")]
    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_two_submissions_have_two_request_ids(service: ScriptedService, client: Client):
    service.script("CreateAnalysisJob", job())
    client.submit(MODEL, DATA)
    client.submit(MODEL, DATA)
    first, second = service.requests("CreateAnalysisJob")
    assert first.request_id != second.request_id


def test_an_id_that_is_taken_is_an_error(service: ScriptedService, client: Client):
    service.script("CreateAnalysisJob", exists(same=True))
    with pytest.raises(errors.AlreadyExists) as caught:
        client.submit(MODEL, DATA, job_id="nightly")
    assert caught.value.same_specification


def test_attach_takes_the_job_of_that_id(service: ScriptedService, client: Client):
    service.script("CreateAnalysisJob", exists(same=True))
    service.script("GetAnalysisJob", job("RUNNING"))
    attached = client.submit(MODEL, DATA, job_id="nightly", if_exists="attach")
    assert attached.state == "RUNNING"
    assert service.requests("GetAnalysisJob")[0].name == NAME


def test_attach_refuses_a_job_with_another_specification(service: ScriptedService, client: Client):
    service.script("CreateAnalysisJob", exists(same=False))
    with pytest.raises(errors.AlreadyExists):
        client.submit(MODEL, DATA, job_id="nightly", if_exists="attach")


def test_nobody_at_the_target_is_unavailable():
    with Client("127.0.0.1:1") as client, pytest.raises(errors.Unavailable):
        client.server_info()


def test_a_job_is_found_by_id_within_the_project_or_by_name(service: ScriptedService, target: str):
    service.script("GetAnalysisJob", job())
    with Client(target, project="solar") as client:
        client.job("nightly")
        client.job("projects/other/analysisJobs/x")
    names = [each.name for each in service.requests("GetAnalysisJob")]
    assert names == ["projects/solar/analysisJobs/nightly", "projects/other/analysisJobs/x"]


def test_the_token_goes_with_every_call_on_this_machine(service: ScriptedService, target: str):
    service.script("GetAnalysisJob", job())
    with Client(target, token="secret") as client:
        client.job("nightly")
    assert service.metadata[0]["authorization"] == "Bearer secret"


def test_a_call_says_which_trace_it_is_within(service: ScriptedService, client: Client):
    service.script("GetAnalysisJob", job())
    with Recording().traces.serve("/a.Service/Method", (("traceparent", TRACE_PARENT),)):
        client.job("nightly")
    client.job("nightly")
    within, without = service.metadata
    assert within["traceparent"].split("-")[1] == TRACE_ID
    assert "traceparent" not in without


def test_pages_are_read_when_they_are_needed(service: ScriptedService, client: Client):
    def page(token: str):
        return service_pb2.ListAnalysisJobsResponse(
            analysis_jobs=[job(), job()], next_page_token=token
        )

    service.script("ListAnalysisJobs", page("more"), page(""))
    jobs = client.list("state = FAILED", order_by="end_time desc")
    next(jobs)
    assert len(service.requests("ListAnalysisJobs")) == 1
    assert len(list(jobs)) == 3
    first, second = service.requests("ListAnalysisJobs")
    assert (first.page_token, second.page_token) == ("", "more")
    assert (second.filter, second.order_by) == ("state = FAILED", "end_time desc")


def test_an_update_sends_what_changes_and_the_etag(service: ScriptedService, client: Client):
    service.script("GetAnalysisJob", job())
    service.script("UpdateAnalysisJob", job(etag="e2"))
    updated = client.job("nightly").update(priority="high", ttl=timedelta(hours=1))
    (request,) = service.requests("UpdateAnalysisJob")
    assert list(request.update_mask.paths) == ["priority", "ttl"]
    assert request.analysis_job.etag == "e1"
    assert request.analysis_job.ttl.seconds == 3600
    assert updated.snapshot.etag == "e2"


def test_cancel_sends_its_reason(service: ScriptedService, client: Client):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("CancelAnalysisJob", job("CANCELLING"))
    assert client.job("nightly").cancel("enough").state == "CANCELLING"
    assert service.requests("CancelAnalysisJob")[0].reason == "enough"


def test_delete_removes_by_name(service: ScriptedService, client: Client):
    service.script("GetAnalysisJob", job("SUCCEEDED"))
    service.script("DeleteAnalysisJob", empty_pb2.Empty())
    client.job("nightly").delete(allow_missing=True)
    (request,) = service.requests("DeleteAnalysisJob")
    assert (request.name, request.allow_missing) == (NAME, True)


def test_the_server_tells_its_limits(service: ScriptedService, client: Client):
    limits = service_pb2.Limits(max_classes=1000)
    limits.max_ttl.FromTimedelta(timedelta(days=2))
    service.script("GetServerInfo", service_pb2.ServerInfo(version="1.2.3", limits=limits))
    info = client.server_info()
    assert info.version == "1.2.3"
    assert info.limits["max_classes"] == 1000
    assert info.limits["max_ttl_seconds"] == 172_800


def test_the_limits_are_those_of_the_own_project(service: ScriptedService, client: Client):
    limits = service_pb2.Limits(max_active_jobs=7, highest_priority="PRIORITY_NORMAL")
    service.script("GetServerInfo", service_pb2.ServerInfo(limits=limits))
    found = client.server_info().limits
    assert (found["max_active_jobs"], found["highest_priority"]) == (7, "normal")
    assert service.requests("GetServerInfo")[0].parent == "projects/default"


def test_the_service_is_told_the_version_of_the_client(service: ScriptedService, client: Client):
    service.script("GetServerInfo", service_pb2.ServerInfo())
    client.server_info()
    agent = service.metadata[0]["user-agent"]
    assert agent.startswith(f"interference-client/{metadata.version('gradient-interference')} ")


def test_a_snapshot_has_times_and_becomes_json(service: ScriptedService, client: Client):
    made = job()
    made.create_time.FromDatetime(datetime(2026, 1, 2, tzinfo=UTC))
    service.script("GetAnalysisJob", made)
    snapshot = client.job("nightly").snapshot
    assert snapshot.create_time == datetime(2026, 1, 2, tzinfo=UTC)
    assert snapshot.end_time is None
    assert snapshot.to_dict()["create_time"] == "2026-01-02T00:00:00+00:00"


def test_a_state_of_a_later_contract_is_told_and_not_terminal(service, client):
    service.script("GetAnalysisJob", job(99))
    unknown = client.job("nightly")
    assert unknown.state == "STATE_99"
    assert not unknown.snapshot.terminal


FORKING = """
import os, sys
from interference_client import Client
client = Client(sys.argv[1])
client.server_info()
child = os.fork()
if not child:
    os._exit(0 if client.server_info().version == "1.2.3" else 1)
_, status = os.waitpid(child, 0)
assert client.server_info().version == "1.2.3"
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_process_makes_its_own_connection(service: ScriptedService, target: str):
    service.script("GetServerInfo", service_pb2.ServerInfo(version="1.2.3"))
    command = [sys.executable, "-c", FORKING, target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(service.requests("GetServerInfo")) == 3


def test_a_closed_client_opens_no_new_connection(service: ScriptedService, client: Client):
    service.script("GetServerInfo", service_pb2.ServerInfo())
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.server_info()
    assert not service.asked


def finished(client: Client, service: ScriptedService, outcome: str | None) -> Job:
    gates = [{"gate_id": "learns", "outcome": outcome, "explanation": "was -1"}] if outcome else []
    verdict = {"outcome": outcome or "PASSED", "gates": gates}
    service.script("GetAnalysisJob", job("SUCCEEDED", verdict=verdict))
    return client.job("nightly")


def test_gates_that_hold_raise_nothing(service: ScriptedService, client: Client):
    finished(client, service, "PASSED").check_gates()


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("VIOLATED", errors.GateViolated),
        ("UNDETERMINED", errors.GateUndetermined),
        (None, errors.GateUndetermined),
    ],
)
def test_gates_that_do_not_hold_raise_with_their_reason(service, client, outcome, kind):
    with pytest.raises(kind, match="was -1" if outcome else "no gates") as caught:
        finished(client, service, outcome).check_gates()
    assert pickle.loads(pickle.dumps(caught.value)).verdict == caught.value.verdict


@pytest.mark.parametrize(
    ("target", "plaintext"),
    [
        ("localhost", True),
        ("127.0.0.1:1", True),
        ("dns:///localhost:1", True),
        ("solar.example:443", False),
    ],
)
def test_only_this_machine_is_spoken_to_in_the_clear(target, plaintext):
    found = connection(target, {}, environment={})
    assert found.plaintext is plaintext
    assert connection(target, {"insecure": True}, environment={}).plaintext


def test_a_host_without_a_port_has_the_usual_one():
    assert connection("solar", {}, environment={}).target == "solar:50051"
    assert connection(None, {}, environment={"INTERFERENCE_TARGET": "x:1"}).target == "x:1"


def test_a_validation_has_the_time_that_it_takes(service, client):
    seconds = []

    def create(request, context):
        seconds.append(context.time_remaining())
        return job()

    service.script("CreateAnalysisJob", create)
    client.submit(MODEL, DATA)
    client.submit(MODEL, DATA, validate_only=True)
    client.submit(MODEL, DATA, validate_only=True, timeout=7)
    assert seconds[0] < 30
    assert seconds[1] > 100
    assert seconds[2] < 8


def test_a_job_says_what_it_really_read(service, client):
    read = {
        "model_version": "7",
        "inputs": [{"name": "x", "tensor": {"column": "x", "scale": 0.5}}],
    }
    service.script("GetAnalysisJob", job("SUCCEEDED", resolved_inputs=read), job("RUNNING"))
    found = client.job("nightly").resolved_inputs
    assert found.model_version == "7"
    assert found.inputs == {"x": {"tensor": {"column": "x", "scale": 0.5}}}
    assert client.job("nightly").resolved_inputs is None
