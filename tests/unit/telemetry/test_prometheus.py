"""What this process counts."""

import asyncio

import grpc
import pytest

from interference.v1 import analysis_service_pb2
from interference_service.domain.events import (
    AttemptStarted,
    JobFinished,
    JobSubmitted,
    StageFinished,
)
from interference_service.domain.job import JobState, Stage
from interference_service.errors import AnalysisError
from interference_service.telemetry.rpc import CODES, METHODS

SERVICE = "interference.v1.AnalysisService"


def test_the_build_is_told(value):
    assert value("interference_build_info", version="1.2.3", revision="abc") == 1


def test_every_way_to_end_is_there_before_the_first_job_ends(value):
    assert value("interference_jobs_finished_total", state="SUCCEEDED", reason="") == 0
    assert value("interference_jobs_finished_total", state="CANCELLED", reason="CANCELLED") == 0
    for failure in AnalysisError.__subclasses__():
        if failure.reason != "CANCELLED":
            found = value("interference_jobs_finished_total", state="FAILED", reason=failure.reason)
            assert found == 0, failure


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("interference_job_attempts_total", "kind", ["first", "retry"]),
        ("interference_stage_duration_seconds_count", "stage", [each.value for each in Stage]),
    ],
)
def test_known_label_values_begin_at_zero(value, name, label, values):
    assert [value(name, **{label: each}) for each in values] == [0] * len(values)


def test_submissions_and_ends_are_counted(metrics, value):
    metrics.emit(JobSubmitted("j"))
    metrics.emit(JobFinished("j", JobState.FAILED, "INVALID_DATA", 42.0))
    assert value("interference_jobs_submitted_total") == 1
    assert value("interference_jobs_finished_total", state="FAILED", reason="INVALID_DATA") == 1
    assert value("interference_job_duration_seconds_sum") == 42


def test_a_second_attempt_is_a_retry_and_only_the_first_waited_in_the_queue(metrics, value):
    metrics.emit(AttemptStarted("j", 1, 3.0))
    metrics.emit(AttemptStarted("j", 2, 100.0))
    assert value("interference_job_attempts_total", kind="first") == 1
    assert value("interference_job_attempts_total", kind="retry") == 1
    assert value("interference_stage_duration_seconds_sum", stage="QUEUED") == 3


def test_stages_are_timed(metrics, value):
    metrics.emit(StageFinished("j", Stage.SCAN, 2.0))
    assert value("interference_stage_duration_seconds_sum", stage="SCAN") == 2


def labels(method: str, kind: str = "unary", service: str = SERVICE) -> dict[str, str]:
    return {"grpc_type": kind, "grpc_service": service, "grpc_method": method}


def test_a_call_is_counted_and_timed_under_the_names_of_public_dashboards(metrics, value):
    own = labels("GetAnalysisJob")
    finished = metrics.observe_rpc(f"/{SERVICE}/GetAnalysisJob", "unary")
    assert value("grpc_server_started_total", **own) == 1
    assert value("grpc_server_handled_total", **own, grpc_code="NotFound") == 0
    finished("NOT_FOUND", 0.125)
    assert value("grpc_server_started_total", **own) == 1
    assert value("grpc_server_handled_total", **own, grpc_code="NotFound") == 1
    assert value("grpc_server_handled_total", **own, grpc_code="OK") == 0
    assert value("grpc_server_handling_seconds_sum", **own) == 0.125


@pytest.mark.parametrize("method", ["/made.up/Name", "nonsense", "", f"/{SERVICE}/Nothing"])
def test_made_up_methods_share_one_series(metrics, value, method):
    metrics.observe_rpc(method, "unary")("OK", 0.1)
    own = labels("unknown", service="unknown")
    assert value("grpc_server_handled_total", **own, grpc_code="OK") == 1


def test_a_code_that_is_none_counts_as_unknown(metrics, value):
    metrics.observe_rpc(f"/{SERVICE}/GetAnalysisJob", "unary")("NONSENSE", 0.1)
    own = labels("GetAnalysisJob")
    assert value("grpc_server_handled_total", **own, grpc_code="Unknown") == 1


def test_every_status_code_has_a_label():
    assert set(CODES) == {code.name for code in grpc.StatusCode}


def test_every_method_of_the_contract_has_series():
    (service,) = analysis_service_pb2.DESCRIPTOR.services_by_name.values()
    wanted = {
        (service.full_name, method.name): "server_stream" if method.server_streaming else "unary"
        for method in service.methods
    }
    assert {key: kind for key, kind in METHODS.items() if key[0] == SERVICE} == wanted


@pytest.mark.parametrize(
    ("method", "label"),
    [(f"/{SERVICE}/ReadMatrices", "ReadMatrices"), ("/made.up/Name", "unknown")],
)
def test_streams_that_nobody_reads_are_counted(metrics, value, method, label):
    before = value("interference_streams_stuck_total", grpc_method=label) or 0
    metrics.observe_stuck_stream(method)
    assert value("interference_streams_stuck_total", grpc_method=label) == before + 1


def test_only_streams_that_can_be_given_up_have_a_series(value):
    assert value("interference_streams_stuck_total", grpc_method="WatchAnalysisJob") is not None
    assert value("interference_streams_stuck_total", grpc_method="Watch") is None


async def test_the_tasks_of_the_event_loop_are_counted_from_another_thread(metrics, value):
    metrics.follow_tasks(asyncio.get_running_loop())
    tasks = [asyncio.create_task(asyncio.sleep(60)) for _ in range(10)]
    counted = await asyncio.to_thread(value, "interference_event_loop_tasks")
    for each in tasks:
        each.cancel()
    assert counted >= 10
