"""Messages and domain values say the same."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.json_format import MessageToDict

from interference.v1 import analysis_job_pb2, analysis_result_pb2, analysis_service_pb2
from interference_service.domain.job import JobState, Priority, Progress, Settings, Stage
from interference_service.domain.options import EngineKind, HeadRule, LossKind, Precision
from interference_service.domain.result import AnalysisResult
from interference_service.domain.specification import (
    AnalysisSpecification,
    Comparison,
    DataFormat,
    ModelFormat,
)
from interference_service.domain.verdict import Outcome, Verdict
from interference_service.jobs.watching import WatchEvent
from interference_service.rpc.convert_job import (
    expiration_from_wire,
    job_to_wire,
    settings_from_wire,
    validated_job_to_wire,
)
from interference_service.rpc.convert_requests import changes_from_wire, submission_from_wire
from interference_service.rpc.convert_result import result_to_wire
from interference_service.rpc.convert_specification import (
    specification_from_wire,
    specification_to_wire,
)
from interference_service.rpc.watch import event_to_wire, heartbeat_seconds
from support.domain_examples import (
    NAME,
    NOW,
    analysis_result,
    failed_job,
    pending_job,
    plain_specification,
    rich_specification,
    succeeded_job,
)


@pytest.mark.parametrize("make", [plain_specification, rich_specification])
def test_a_specification_survives_the_wire(make):
    specification = make()

    message = specification_to_wire(specification)
    returned = analysis_job_pb2.AnalysisSpec.FromString(message.SerializeToString())

    assert specification_from_wire(returned, "spec") == specification


def test_what_is_absent_takes_the_default_and_what_is_zero_does_not():
    message = specification_to_wire(plain_specification())
    message.ClearField("options")
    assert specification_from_wire(message, "spec").options.loss.focal_gamma == 2.0

    message.options.loss.focal_gamma = 0.0
    assert specification_from_wire(message, "spec").options.loss.focal_gamma == 0.0


def test_an_enumeration_that_is_not_set_takes_the_default():
    message = specification_to_wire(plain_specification())
    message.options.precision = analysis_job_pb2.PRECISION_UNSPECIFIED
    assert specification_from_wire(message, "spec").options.precision is Precision.FLOAT32


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Comparison, analysis_job_pb2.Comparison),
        (DataFormat, analysis_job_pb2.DataFormat),
        (EngineKind, analysis_job_pb2.EngineKind),
        (HeadRule, analysis_job_pb2.HeadRule),
        (JobState, analysis_job_pb2.AnalysisJob.State),
        (LossKind, analysis_job_pb2.LossKind),
        (ModelFormat, analysis_job_pb2.ModelFormat),
        (Outcome, analysis_job_pb2.Verdict.Outcome),
        (Precision, analysis_job_pb2.Precision),
        (Priority, analysis_job_pb2.Priority),
    ],
)
def test_an_enumeration_has_the_values_of_the_contract(ours, theirs):
    assert [each.value for each in ours] == [name for name, number in theirs.items() if number]


def test_a_job_survives_the_wire():
    job = succeeded_job()
    message = analysis_job_pb2.AnalysisJob.FromString(job_to_wire(job).SerializeToString())

    assert specification_from_wire(message.spec, "spec") == job.specification
    assert settings_from_wire(message, "") == job.settings
    assert expiration_from_wire(message, "") == (None, job.expire_time)
    assert (message.name, message.uid, message.etag) == (NAME, job.uid, job.etag)
    assert message.attempt == 2
    assert analysis_job_pb2.AnalysisJob.State.Name(message.state) == job.state
    for field in ("create_time", "update_time", "start_time", "end_time"):
        assert getattr(message, field).ToDatetime(tzinfo=UTC) == getattr(job, field)
    progress = MessageToDict(message.progress, preserving_proto_field_name=True)
    assert Progress.model_validate(progress) == job.progress
    verdict = MessageToDict(message.verdict, preserving_proto_field_name=True)
    assert Verdict.model_validate(verdict).model_dump_json() == job.verdict.model_dump_json()
    assert math.isnan(message.verdict.gates[0].observed.lower)
    assert message.resolved_inputs.row_count == 2**33


def test_what_was_read_has_its_inputs_as_the_specification_has_them():
    specification = rich_specification()
    read = succeeded_job().resolved_inputs.model_copy(
        update={"inputs": specification.data.inputs, "model_version": "7"}
    )
    message = job_to_wire(succeeded_job().model_copy(update={"resolved_inputs": read}))
    assert message.resolved_inputs.model_version == "7"
    wanted = specification_to_wire(specification).data.inputs
    for found, each in zip(message.resolved_inputs.inputs, wanted, strict=True):
        plain = MessageToDict(found) | {"name": each.name}
        assert MessageToDict(each).items() <= plain.items()
        assert found.WhichOneof("source") == each.WhichOneof("source")


def test_a_job_shows_nothing_that_has_not_happened_yet():
    message = job_to_wire(pending_job(ttl_seconds=5.0))
    for field in ("start_time", "end_time", "error", "verdict", "resolved_inputs"):
        assert not message.HasField(field)
    assert message.WhichOneof("expiration") is None


def test_a_failed_job_has_an_error_with_reason_and_field():
    error = job_to_wire(failed_job()).error
    assert error.code == 9
    assert "data.uris[0]" in error.message
    assert [each.type_url.rpartition(".")[2] for each in error.details] == [
        "ErrorInfo",
        "BadRequest",
    ]


def test_a_job_that_was_only_checked_has_no_name_uid_or_times():
    message = validated_job_to_wire(pending_job())
    assert message.spec == job_to_wire(pending_job()).spec
    assert (message.name, message.uid, message.etag) == ("", "", "")
    assert not message.HasField("create_time")
    assert not message.HasField("update_time")
    assert not message.HasField("progress")


def test_a_result_with_undetermined_numbers_survives_the_wire():
    result = analysis_result()
    message = result_to_wire(NAME, result)
    returned = analysis_result_pb2.AnalysisResult.FromString(message.SerializeToString())

    assert returned.name == f"{NAME}/result"
    values = MessageToDict(
        returned, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    del values["name"]
    dumped = AnalysisResult.model_validate(values).model_dump_json()
    assert json.loads(dumped) == json.loads(result.model_dump_json())


def create_request() -> analysis_service_pb2.CreateAnalysisJobRequest:
    return analysis_service_pb2.CreateAnalysisJobRequest(
        parent="projects/solar",
        analysis_job_id="nightly-7",
        request_id="8d0c1d5e-7a8c-4a10-9c53-0d3b3a0d6f01",
        analysis_job={
            "spec": specification_to_wire(rich_specification()),
            "ttl": timedelta(days=1),
        },
    )


def test_a_submission_has_what_the_request_says():
    submission = submission_from_wire(create_request(), "somebody")

    assert (submission.project, submission.job_id) == ("solar", "nightly-7")
    assert submission.specification == rich_specification()
    assert submission.settings == Settings()
    assert submission.principal == "somebody"
    assert (submission.ttl_seconds, submission.expire_time) == (86400.0, None)
    assert not submission.validate_only


def test_the_digest_of_a_request_ignores_its_request_id_and_nothing_else():
    digest = submission_from_wire(create_request(), "").request_digest

    other_id = create_request()
    other_id.request_id = ""
    assert submission_from_wire(other_id, "").request_digest == digest

    other_name = create_request()
    other_name.analysis_job.display_name = "other"
    assert submission_from_wire(other_name, "").request_digest != digest


def test_the_digest_of_a_request_does_not_depend_on_the_order_of_its_labels():
    digests = set()
    for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}):
        request = create_request()
        request.analysis_job.labels.update(labels)
        digests.add(submission_from_wire(request, "").request_digest)
    assert len(digests) == 1


def test_a_field_of_a_later_contract_is_ignored_but_makes_another_request():
    request = create_request()
    later = type(request).FromString(request.SerializeToString() + b"\xf8\x3f\x01")
    known, found = submission_from_wire(request, ""), submission_from_wire(later, "")
    assert replace(found, request_digest=known.request_digest) == known
    assert found.request_digest != known.request_digest


def update_request(*paths: str, **job: object) -> analysis_service_pb2.UpdateAnalysisJobRequest:
    return analysis_service_pb2.UpdateAnalysisJobRequest(
        analysis_job={"name": NAME, **job}, update_mask={"paths": paths}
    )


def test_an_update_without_a_mask_changes_the_fields_that_are_set():
    request = update_request(labels={"a": "b"}, creator="me", ttl=timedelta(seconds=1.5))
    assert changes_from_wire(request) == {"labels": {"a": "b"}, "ttl_seconds": 1.5}


def test_an_update_clears_a_field_that_its_mask_names_and_that_is_not_set():
    request = update_request("labels", "priority", display_name="ignored")
    assert changes_from_wire(request) == {"labels": {}, "priority": Priority.NORMAL}


def test_a_star_changes_every_setting_and_leaves_the_expiration_alone():
    request = update_request("*", display_name="new")
    assert changes_from_wire(request) == Settings(display_name="new").model_dump()


def test_a_star_changes_the_expiration_if_it_is_set():
    expire_time = datetime(2030, 1, 1, tzinfo=UTC)
    request = update_request("*", expire_time=expire_time)
    assert changes_from_wire(request)["expire_time"] == expire_time


@pytest.mark.parametrize(
    ("paths", "changes"),
    [
        (["labels.team"], {"labels.team": "solar"}),
        (["labels.gone"], {"labels.gone": None}),
        (["labels.a.b", "labels.`a.b`"], {"labels.a.b": "c"}),
        (["annotations.note"], {"annotations.note": "n"}),
        (["labels.gone", "labels"], {"labels": {"team": "solar", "a.b": "c"}}),
        (["labels.team", "labels.team"], {"labels.team": "solar"}),
    ],
)
def test_an_update_may_name_single_entries(paths, changes):
    labels = {"team": "solar", "a.b": "c"}
    request = update_request(*paths, labels=labels, annotations={"note": "n"})
    assert changes_from_wire(request) == changes


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (pending_job(), "snapshot"),
        (Progress(stage=Stage.SCAN, update_time=NOW), "progress"),
        (None, "heartbeat"),
    ],
)
def test_an_event_becomes_the_response_of_its_kind(body, kind):
    response = event_to_wire(WatchEvent("token", NOW, body))
    assert response.WhichOneof("event") == kind
    assert response.resume_token == "token"
    assert response.event_time.ToDatetime(tzinfo=UTC) == NOW


@pytest.mark.parametrize(
    ("wanted", "granted"), [(None, 15), (0, 5), (-3, 5), (7.5, 7.5), (3600, 60)]
)
def test_the_silence_of_a_watch_is_clamped(wanted, granted):
    request = analysis_service_pb2.WatchAnalysisJobRequest()
    if wanted is not None:
        request.heartbeat_interval.FromTimedelta(timedelta(seconds=wanted))
    assert heartbeat_seconds(request) == granted


def test_every_specification_field_of_the_contract_has_a_field_of_the_domain():
    fields = set(analysis_job_pb2.AnalysisSpec.DESCRIPTOR.fields_by_name)
    assert fields == set(AnalysisSpecification.model_fields)
