"""What the client raises, and that it can be sent to another process."""

import inspect
import pickle

import grpc
import pytest

from interference_client import Client, errors
from support.scripted_service import NAME, ScriptedService, fails, job

CODE = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (CODE.INVALID_ARGUMENT, errors.InvalidArgument),
        (CODE.NOT_FOUND, errors.NotFound),
        (CODE.ALREADY_EXISTS, errors.AlreadyExists),
        (CODE.UNAUTHENTICATED, errors.Unauthenticated),
        (CODE.PERMISSION_DENIED, errors.PermissionDenied),
        (CODE.FAILED_PRECONDITION, errors.WrongState),
        (CODE.ABORTED, errors.Aborted),
        (CODE.RESOURCE_EXHAUSTED, errors.QuotaExceeded),
        (CODE.UNAVAILABLE, errors.Unavailable),
        (CODE.DEADLINE_EXCEEDED, errors.DeadlineExceeded),
        (CODE.INTERNAL, errors.InternalError),
        (CODE.CANCELLED, errors.StreamCut),
        (CODE.DATA_LOSS, errors.UnknownServerError),
    ],
)
def test_every_status_is_an_error_of_its_own(service, client, code, kind):
    service.script("GetAnalysisJob", fails(code, "why"))
    with pytest.raises(errors.InterferenceError, match="why") as caught:
        client.job("nightly")
    assert type(caught.value) is kind


def test_a_client_that_is_too_old_is_told_what_to_install(service, client):
    too_old = {"client_version": "0.1.0", "minimum_client_version": "1.2"}
    service.script(
        "GetAnalysisJob",
        fails(CODE.FAILED_PRECONDITION, "old", reason="CLIENT_TOO_OLD", metadata=too_old),
    )
    with pytest.raises(errors.ClientTooOld) as caught:
        client.job("nightly")
    assert caught.value.minimum_version == "1.2"


def test_an_error_tells_all_that_the_service_told(service: ScriptedService, client: Client):
    service.script(
        "GetAnalysisJob",
        fails(
            CODE.RESOURCE_EXHAUSTED,
            "busy",
            reason="BUSY",
            metadata={"state": "RUNNING"},
            violations={"a.b": "is wrong"},
            retry_seconds=0.25,
            request_id="r-1",
        ),
    )
    with pytest.raises(errors.QuotaExceeded) as caught:
        client.job("nightly")
    error = caught.value
    assert (error.reason, error.state, error.request_id) == ("BUSY", "RUNNING", "r-1")
    assert error.violations == (errors.Violation("a.b", "is wrong"),)
    assert error.retry_after_seconds == 0.25


def test_a_result_that_is_not_there_is_told_apart_by_its_reason(service, client):
    service.script("GetAnalysisJob", job("FAILED"))
    service.script(
        "GetAnalysisResult",
        fails(CODE.FAILED_PRECONDITION, reason="NO_RESULT", metadata={"state": "FAILED"}),
    )
    with pytest.raises(errors.NoResult) as caught:
        client.job("nightly").result()
    assert caught.value.state == "FAILED"


ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.InterferenceError)
    and kind.__init__ is errors.InterferenceError.__init__
]


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_survive_pickling(kind):
    error = kind("why", reason="R", metadata={"state": "x"}, request_id="r")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.__dict__) == (str(error), error.__dict__)


def test_the_errors_with_a_job_survive_pickling(service: ScriptedService, client: Client):
    failed = job("FAILED")
    failed.error.message = "broken"
    service.script("GetAnalysisJob", failed)
    with pytest.raises(errors.JobFailed) as caught:
        client.job("nightly").check()
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.job == caught.value.job
    timeout = pickle.loads(pickle.dumps(errors.WaitTimeout(NAME, "RUNNING")))
    assert (timeout.name, timeout.state) == (NAME, "RUNNING")
