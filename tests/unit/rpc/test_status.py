"""Errors become statuses with details, within the size of metadata."""

from urllib.parse import quote

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from interference.v1 import error_reason_pb2
from interference_service import errors
from interference_service.domain.job import JobError
from interference_service.errors import ErrorCode, InvalidRequest, ServiceError, Violation
from interference_service.rpc.decoding import MalformedRequest
from interference_service.rpc.status import STATUS_CODES, status_of, to_rpc_status


def all_errors(kind: type[ServiceError] = ServiceError) -> list[type[ServiceError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in all_errors(below))]


def unpacked(status: status_pb2.Status) -> dict[str, object]:
    found = {}
    for each in status.details:
        detail = getattr(error_details_pb2, each.type_url.rpartition(".")[2])()
        assert each.Unpack(detail)
        found[type(detail).__name__] = detail
    return found


def details(error: ServiceError) -> dict[str, object]:
    _, _, ((key, value),) = status_of(error)
    assert key == "grpc-status-details-bin"
    return unpacked(status_pb2.Status.FromString(value))


def test_every_code_has_a_status_of_its_own_name():
    assert {code.name: status.name for code, status in STATUS_CODES.items()} == {
        code.name: code.name for code in ErrorCode
    }


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_reason_of_the_contract_and_says_it(kind):
    assert f"ERROR_REASON_{kind.reason}" in dict(error_reason_pb2.ErrorReason.items())

    code, message, _ = status_of(kind("what happened", metadata={"state": "RUNNING"}))
    info = details(kind("what happened", metadata={"state": "RUNNING"}))["ErrorInfo"]

    assert (code, message) == (STATUS_CODES[kind.code], "what happened")
    assert (info.reason, info.domain) == (kind.reason, "interference.internal")
    assert dict(info.metadata) == {"state": "RUNNING"}


def test_a_malformed_request_is_among_the_errors_that_are_looked_at():
    assert MalformedRequest in all_errors()


def test_violations_are_told_with_their_fields():
    error = InvalidRequest("no", violations=[Violation("analysis_job.spec.gates[0].id", "is '1'")])
    (violation,) = details(error)["BadRequest"].field_violations
    assert (violation.field, violation.description) == ("analysis_job.spec.gates[0].id", "is '1'")


def test_an_error_that_passes_says_when_to_try_again():
    assert details(errors.Draining("later"))["RetryInfo"].retry_delay.seconds == 1
    assert "RetryInfo" not in details(errors.WrongState("no"))


@pytest.mark.parametrize("kind", [errors.NotFound, errors.JobExists, errors.WrongState])
def test_an_error_about_a_resource_names_it(kind):
    info = details(kind("no", metadata={"name": "projects/p/analysisJobs/j"}))["ResourceInfo"]
    assert info.resource_type == "interference.internal/AnalysisJob"
    assert info.resource_name == "projects/p/analysisJobs/j"
    assert "ResourceInfo" not in details(kind("no"))


@pytest.mark.parametrize("letter", ["x", "ü", "😀", "%"])
@pytest.mark.parametrize("count", [1, 20, 1000])
def test_a_status_fits_into_metadata_whatever_its_texts(letter, count):
    error = InvalidRequest(
        letter * 10_000,
        violations=[Violation(f"{letter * 3000}[{i}]", letter * 3000) for i in range(count)],
        metadata={f"{letter * 50}{i}": letter * 3000 for i in range(100)},
    )

    _, message, ((key, value),) = status_of(error)

    base64 = 4 * -(-len(value) // 3)
    assert base64 + len(key) + len(quote(message)) <= 8192 - 512
    assert 1 <= len(details(error)["BadRequest"].field_violations) <= 20


def test_twenty_usual_violations_are_told_whole():
    error = InvalidRequest(
        "no", violations=[Violation(f"analysis_job.spec.gates[{i}]", "x" * 90) for i in range(21)]
    )
    told = details(error)["BadRequest"].field_violations
    assert [each.description for each in told] == ["x" * 90] * 20


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        (errors.WorkerLost, grpc.StatusCode.UNAVAILABLE, "WORKER_LOST"),
        (errors.OutOfMemory, grpc.StatusCode.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY"),
    ],
)
def test_the_error_of_a_job_says_code_reason_and_fields_and_nothing_of_retrying(kind, code, reason):
    error = JobError.of(kind.at("model.uri", "killed every worker", attempts="3"))

    status = to_rpc_status(error)

    assert status.code == code.value[0]
    found = unpacked(status)
    assert set(found) == {"ErrorInfo", "BadRequest"}
    assert found["ErrorInfo"].reason == reason
    assert found["ErrorInfo"].metadata == {"attempts": "3"}
    assert found["BadRequest"].field_violations[0].field == "spec.model.uri"


def test_a_used_up_quota_names_its_project_and_when_to_come_again():
    error = errors.QuotaExceeded(
        "project 'solar' has 5 jobs", metadata={"project": "solar"}, retry_after_seconds=0.75
    )
    found = details(error)
    (violation,) = found["QuotaFailure"].violations
    assert (violation.subject, violation.description) == ("projects/solar", error.message)
    assert found["RetryInfo"].retry_delay.ToMilliseconds() == 750


def test_what_has_no_time_of_its_own_is_tried_again_in_a_second():
    found = details(errors.Overloaded("busy"))
    assert found["RetryInfo"].retry_delay.ToMilliseconds() == 1000
    assert "QuotaFailure" not in found
