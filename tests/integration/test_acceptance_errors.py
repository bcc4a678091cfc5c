"""Every reason of the contract is met, with details that a client can branch on."""

import ast
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from interference.v1 import analysis_service_pb2 as wire, error_reason_pb2
from interference_client import Client, ModelReference
from interference_service.demo.server import running_service
from support import examples
from support.refusals import World
from support.service import FEW_RESOURCES
from support.submissions import rows, submit

TESTS = Path(__file__).parents[1]
NOBODY = "projects/default/analysisJobs/nobody"


@pytest.fixture(scope="module")
def world(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("errors")
    examples.write_with_a_broken_row(files / "one_nan.parquet")
    (files / "no_archive.pt2").write_bytes(b"not a zip" * 100)
    with (
        running_service(home, {"data": files}, FEW_RESOURCES) as service,
        grpc.insecure_channel(service.grpc) as channel,
        Client(service.grpc) as client,
    ):
        yield World(home, files, channel, client)


def malformed(world: World) -> None:
    found = world.refused("GetAnalysisJob", b"\xff\xff")
    assert (found.code.name, found.reason) == ("INVALID_ARGUMENT", "MALFORMED_REQUEST")


def invalid_field(world: World) -> None:
    found = world.refused("ListAnalysisJobs", wire.ListAnalysisJobsRequest(parent="p/1"))
    assert (found.code.name, found.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert found.fields == ["parent"]


def invalid_token(world: World) -> None:
    request = wire.ListAnalysisJobsRequest(parent="projects/default", page_token="made-up")
    found = world.refused("ListAnalysisJobs", request)
    assert (found.code.name, found.reason) == ("INVALID_ARGUMENT", "INVALID_TOKEN")
    assert found.fields == ["page_token"]


def not_found(world: World) -> None:
    for method, request in (
        ("GetAnalysisJob", wire.GetAnalysisJobRequest(name=NOBODY)),
        ("CancelAnalysisJob", wire.CancelAnalysisJobRequest(name=NOBODY)),
        ("DeleteAnalysisJob", wire.DeleteAnalysisJobRequest(name=NOBODY)),
        ("UpdateAnalysisJob", wire.UpdateAnalysisJobRequest(analysis_job={"name": NOBODY})),
        ("WatchAnalysisJob", wire.WatchAnalysisJobRequest(name=NOBODY)),
        ("GetAnalysisResult", wire.GetAnalysisResultRequest(name=f"{NOBODY}/result")),
        ("ReadMatrices", wire.ReadMatricesRequest(name=f"{NOBODY}/result")),
    ):
        found = world.refused(method, request)
        assert (found.code.name, found.reason) == ("NOT_FOUND", "NOT_FOUND"), method
        about = found.details["ResourceInfo"]
        assert (about.resource_type, about.resource_name) == (
            "interference.internal/AnalysisJob",
            NOBODY,
        )


def job_exists(world: World) -> None:
    job = submit(world.client, job_id="taken")
    request = wire.CreateAnalysisJobRequest(parent="projects/default", analysis_job_id="taken")
    read = world.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=job.name))
    request.analysis_job.spec.CopyFrom(read.spec)
    found = world.refused("CreateAnalysisJob", request)
    assert (found.code.name, found.reason) == ("ALREADY_EXISTS", "JOB_EXISTS")
    assert found.metadata == {"name": job.name, "same_spec": "true"}
    assert found.details["ResourceInfo"].resource_name == job.name
    request.analysis_job.spec.options.folds = 5
    assert world.refused("CreateAnalysisJob", request).metadata["same_spec"] == "false"


def request_id_reused(world: World) -> None:
    request_id = str(uuid.uuid4())
    job = submit(world.client, request_id=request_id)
    read = world.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=job.name))
    request = wire.CreateAnalysisJobRequest(parent="projects/default", request_id=request_id)
    request.analysis_job.spec.CopyFrom(read.spec)
    found = world.refused("CreateAnalysisJob", request)
    assert (found.code.name, found.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


def wrong_state(world: World) -> None:
    job = world.succeeded()
    found = world.refused("CancelAnalysisJob", wire.CancelAnalysisJobRequest(name=job.name))
    assert (found.code.name, found.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    assert found.metadata == {"name": job.name, "state": "SUCCEEDED"}


def no_result(world: World) -> None:
    job = world.slow().cancel()
    job.wait(timeout=60, check=False)
    for method, kind in (
        ("GetAnalysisResult", wire.GetAnalysisResultRequest),
        ("ReadMatrices", wire.ReadMatricesRequest),
    ):
        found = world.refused(method, kind(name=f"{job.name}/result"))
        assert (found.code.name, found.reason) == ("FAILED_PRECONDITION", "NO_RESULT")
        assert found.metadata == {"name": job.name, "state": "CANCELLED"}


def etag_mismatch(world: World) -> None:
    job = world.succeeded()
    request = wire.DeleteAnalysisJobRequest(name=job.name, etag="old")
    found = world.refused("DeleteAnalysisJob", request)
    assert (found.code.name, found.reason) == ("ABORTED", "ETAG_MISMATCH")
    assert found.metadata == {"name": job.name, "etag": job.snapshot.etag}


def run_timeout(world: World) -> None:
    found = world.end_of(world.slow(max_run_duration=timedelta(seconds=1)))
    assert (found.code.name, found.reason) == ("DEADLINE_EXCEEDED", "RUN_TIMEOUT")
    assert found.fields == ["spec.max_run_duration"]


def input_unavailable(world: World) -> None:
    found = world.failed(model=ModelReference("data://mlp.pt2", digest=f"sha256:{'0' * 64}"))
    assert (found.code.name, found.reason) == ("FAILED_PRECONDITION", "INPUT_UNAVAILABLE")
    assert found.fields == ["spec.model.digest"]


def input_unsupported(world: World) -> None:
    found = world.failed(model=ModelReference("data://no_archive.pt2"))
    assert (found.code.name, found.reason) == ("FAILED_PRECONDITION", "INPUT_UNSUPPORTED")
    assert found.fields == ["spec.model.uri"]


def invalid_data(world: World) -> None:
    found = world.failed(data=rows(label="target"))
    assert (found.code.name, found.reason) == ("FAILED_PRECONDITION", "INVALID_DATA")
    assert found.fields == ["spec.data.label_column"]


def non_finite(world: World) -> None:
    found = world.failed(data=rows("one_nan.parquet"))
    assert (found.code.name, found.reason) == ("FAILED_PRECONDITION", "NON_FINITE")
    assert found.fields == ["spec.model.uri"]


def cancelled(world: World) -> None:
    found = world.end_of(world.slow().cancel("not needed"))
    assert (found.code.name, found.reason) == ("CANCELLED", "CANCELLED")


def internal(world: World) -> None:
    job = world.succeeded()
    shutil.rmtree(world.home / "state" / "results" / job.snapshot.uid)
    request = wire.GetAnalysisResultRequest(name=f"{job.name}/result")
    found = world.refused("GetAnalysisResult", request)
    assert (found.code.name, found.reason) == ("INTERNAL", "INTERNAL")
    assert set(found.metadata) == {"incident"}
    assert found.metadata["incident"] in world.log


REACHED: dict[str, Callable[[World], None]] = {
    "MALFORMED_REQUEST": malformed,
    "INVALID_FIELD": invalid_field,
    "INVALID_TOKEN": invalid_token,
    "NOT_FOUND": not_found,
    "JOB_EXISTS": job_exists,
    "REQUEST_ID_REUSED": request_id_reused,
    "WRONG_STATE": wrong_state,
    "NO_RESULT": no_result,
    "ETAG_MISMATCH": etag_mismatch,
    "RUN_TIMEOUT": run_timeout,
    "INPUT_UNAVAILABLE": input_unavailable,
    "INPUT_UNSUPPORTED": input_unsupported,
    "INVALID_DATA": invalid_data,
    "NON_FINITE": non_finite,
    "CANCELLED": cancelled,
    "INTERNAL": internal,
}
ELSEWHERE = {
    "OVERLOADED": "unit/rpc/test_limits.py::"
    "test_more_calls_than_are_served_at_once_are_told_to_come_again",
    "DRAINING": "unit/jobs/test_inspections.py::"
    "test_over_rpc_a_server_that_goes_down_says_when_to_come_again",
    "WORKER_LOST": "integration/test_failures.py::"
    "test_what_cannot_be_computed_here_is_refused_and_does_not_wait_longer_than_it_may",
    "STORE_UNAVAILABLE": "integration/test_postgresql.py::test_a_service_outlives_its_database",
    "CALL_TIMEOUT": "unit/rpc/test_limits.py::test_a_call_that_takes_too_long_ends_by_itself",
    "SLOW_READER": "unit/rpc/test_limits.py::"
    "test_a_stream_that_nobody_reads_is_given_up_and_told_to_who_comes_back",
    "CLIENT_TOO_OLD": "unit/rpc/test_client_version.py::"
    "test_a_client_that_is_too_old_is_refused_and_told_what_to_install",
    "OUT_OF_MEMORY": "unit/rpc/test_status.py::"
    "test_the_error_of_a_job_says_code_reason_and_fields_and_nothing_of_retrying",
    "UNAUTHENTICATED": "unit/rpc/test_permissions.py::"
    "test_who_is_not_let_in_is_told_why_and_whether_to_come_again",
    "AUTHENTICATION_UNAVAILABLE": "unit/rpc/test_permissions.py::"
    "test_who_is_not_let_in_is_told_why_and_whether_to_come_again",
    "PERMISSION_DENIED": "unit/rpc/test_permissions.py::"
    "test_a_refusal_does_not_tell_whether_there_is_such_a_job",
    "QUOTA_EXCEEDED": "unit/rpc/test_stream_limits.py::"
    "test_a_project_has_no_more_watches_than_it_may_and_its_end_makes_room",
}
"""What takes a service of its own, or a machine in trouble, has its test there."""


def source_of(place: str) -> str:
    """The text of a test, with its parameters."""
    path, _, name = place.partition("::")
    text = (TESTS / path).read_text()
    (test,) = (
        each
        for each in ast.parse(text).body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name
    )
    begin = min(each.lineno for each in (*test.decorator_list, test))
    return "\n".join(text.splitlines()[begin - 1 : test.end_lineno])


def test_no_reason_of_the_contract_is_without_a_test():
    names = {
        name.removeprefix("ERROR_REASON_") for name in dict(error_reason_pb2.ErrorReason.items())
    }
    assert names - {"UNSPECIFIED"} == REACHED.keys() | ELSEWHERE.keys()


@pytest.mark.parametrize("reason", ELSEWHERE)
def test_a_reason_that_is_met_elsewhere_is_looked_for_there(reason: str):
    assert f'"{reason}"' in source_of(ELSEWHERE[reason])


@pytest.mark.parametrize("reason", REACHED)
def test_a_reason_is_met_with_details_to_branch_on(world: World, reason: str):
    REACHED[reason](world)


def test_no_trace_reaches_a_client_or_its_job(world: World):
    job = submit(world.client, data=rows("one_nan.parquet")).wait(timeout=100, check=False)
    assert "Traceback" not in str(job.error)
    assert str(world.files) not in str(job.error)
