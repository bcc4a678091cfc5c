"""The command line: exit statuses, documents for programs, lines for people."""

import json
from dataclasses import fields

import grpc
import pytest
from google.protobuf import empty_pb2, json_format

from interference.v1 import analysis_job_pb2 as job_pb2, analysis_service_pb2 as service_pb2
from interference_client import Options
from support.command_line import SUBMISSION
from support.scripted_service import NAME, fails, job, progress, snapshot


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit", "--label=label"),
        (*SUBMISSION, "--gate=nothing"),
        (*SUBMISSION, "--input=y=video:y"),
        (*SUBMISSION, "--input=y=tensor:y,size=3"),
        (*SUBMISSION, "--set-label=team"),
        (*SUBMISSION, "--ttl=inf"),
        (*SUBMISSION, "--max-run-duration=1e400"),
        (*SUBMISSION, "--expected-interval=daily"),
        (*SUBMISSION, "--input=y=image:y,scale=1/0"),
        (*SUBMISSION, "--input=x=tensor:y"),
        ("wait", "nightly", "--timeout=nan"),
        ("list", "--limit=-1"),
        ("submit", "--spec=/nowhere/at/all.json"),
        ("get", "nightly", "--ca=/nowhere/at/all.pem"),
        ("unknown",),
    ],
)
def test_wrong_usage_is_2_and_asks_the_service_nothing(service, run, arguments):
    try:
        status = run(*arguments)[0]
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert not service.asked


def test_submit_prints_the_name_alone(service, run):
    service.script("CreateAnalysisJob", job())
    status, out, _ = run(*SUBMISSION, "--monitor=solar", "--folds=4", "--set-label=team=vision")
    assert (status, out) == (0, f"{NAME}\n")
    (request,) = service.requests("CreateAnalysisJob")
    assert request.analysis_job.spec.model.monitor == "solar"
    assert request.analysis_job.spec.options.folds == 4
    assert list(request.analysis_job.spec.data.inputs[0].tensor.shape) == [1, 8, 8]
    assert request.analysis_job.labels == {"team": "vision"}


def test_submit_takes_every_parameter_of_the_loss(service, run):
    service.script("CreateAnalysisJob", job())
    run(
        *SUBMISSION,
        "--loss=margin",
        "--margin=0.5",
        "--label-smoothing=0.1",
        "--loss-weights=1,1/2",
    )
    loss = service.requests("CreateAnalysisJob")[0].analysis_job.spec.options.loss
    assert (loss.kind, loss.margin) == (job_pb2.LOSS_KIND_MARGIN, 0.5)
    assert (loss.label_smoothing, list(loss.class_weights)) == (0.1, [1, 0.5])


def test_submit_takes_the_loss_of_rows_with_several_labels(service, run):
    service.script("CreateAnalysisJob", job())
    run(*SUBMISSION, "--loss=multi_label")
    loss = service.requests("CreateAnalysisJob")[0].analysis_job.spec.options.loss
    assert loss.kind == job_pb2.LOSS_KIND_MULTI_LABEL


def test_submit_takes_every_kind_of_input(service, run):
    service.script("CreateAnalysisJob", job())
    run(
        *SUBMISSION,
        "--input=i=image:jpeg,size=32x48,mode=grey,scale=1/255,mean=0.5:0.25:1,std=1:1:1",
        "--input=c=columns:a+b,dtype=int64",
    )
    _, image, columns = service.requests("CreateAnalysisJob")[0].analysis_job.spec.data.inputs
    assert (image.image.resize_height, image.image.resize_width) == (32, 48)
    assert list(image.image.mean) == [0.5, 0.25, 1]
    assert list(columns.columns.columns) == ["a", "b"]


def test_submit_sends_a_specification_from_a_file_as_it_is(service, run, tmp_path):
    service.script("CreateAnalysisJob", job())
    run(*SUBMISSION, "--gate=learns:summary/worst_progress_ratio>=0")
    wanted = service.requests("CreateAnalysisJob")[0].analysis_job.spec
    path = tmp_path / "spec.json"
    path.write_text(json_format.MessageToJson(wanted))
    assert run("submit", f"--spec={path}")[0] == 0
    assert service.requests("CreateAnalysisJob")[1].analysis_job.spec == wanted


def test_gates_and_limit_of_the_command_line_stand_beside_a_file(service, run, tmp_path):
    service.script("CreateAnalysisJob", job())
    run(*SUBMISSION, "--gate=first:summary/worst_progress_ratio>=0")
    path = tmp_path / "spec.json"
    path.write_text(
        json_format.MessageToJson(service.requests("CreateAnalysisJob")[0].analysis_job.spec)
    )
    more = ("--gate=second:summary/conflicting_pairs<=3", "--max-run-duration=60")
    assert run("submit", f"--spec={path}", *more)[0] == 0
    sent = service.requests("CreateAnalysisJob")[1].analysis_job.spec
    assert [gate.id for gate in sent.gates] == ["first", "second"]
    assert sent.max_run_duration.seconds == 60


def test_the_expected_interval_is_given_in_seconds(service, run):
    service.script("CreateAnalysisJob", job())
    assert run(*SUBMISSION, "--monitor=solar", "--expected-interval=86400")[0] == 0
    sent = service.requests("CreateAnalysisJob")[0].analysis_job.spec.model
    assert (sent.monitor, sent.expected_interval.seconds) == ("solar", 86_400)


def test_other_flags_beside_a_file_are_refused_by_name(service, run, tmp_path):
    path = tmp_path / "spec.json"
    path.write_text("{}")
    status, _, err = run("submit", f"--spec={path}", "--monitor=solar", "--folds=4")
    assert status == 2
    assert "--monitor, --folds" in err
    assert not service.asked


def test_every_option_has_a_flag(service, run):
    flags = {
        "--loss=focal": ("loss", "kind"),
        "--folds=5": "folds",
        "--layers=a.*": "layer_globs",
        "--layer-depth=2": "layer_depth",
        "--head=none": "head",
        "--engine=sketch": ("engine", "kind"),
        "--sketch-width=512": ("engine", "sketch_width"),
        "--precision=float64": "precision",
        "--minorities=a": ("minority_rule", "classes"),
        "--minority-share=0.25": ("minority_rule", "below_uniform_share"),
        "--conflict-level=-0.5": "conflict_level",
        "--confidence-level=0.9": "confidence_level",
    }
    assert {each.name for each in fields(Options)} == {
        flag.removeprefix("--").partition("=")[0].replace("-", "_") for flag in flags
    }
    service.script("CreateAnalysisJob", job("PENDING"))
    assert run(*SUBMISSION, *flags)[0] == 0
    (request,) = service.requests("CreateAnalysisJob")
    sent = json_format.MessageToDict(
        request.analysis_job.spec.options, preserving_proto_field_name=True
    )
    for path in flags.values():
        value = sent
        for name in (path,) if isinstance(path, str) else path:
            value = value[name]
        assert value


def test_submit_that_only_validates_makes_no_job(service, run):
    service.script("CreateAnalysisJob", job(name=""))
    assert run(*SUBMISSION, "--validate-only")[:2] == (0, "valid\n")
    assert service.requests("CreateAnalysisJob")[0].validate_only


RESOLVED = {
    "model_digest": "sha256:aa",
    "data_digest": "sha256:bb",
    "class_count": 10,
    "layer_count": 4,
    "row_count": 400,
    "model_uri": "data://m.pt2",
    "model_version": "7",
    "inputs": [{"name": "x", "image": {"column": "jpeg", "mean": [0.5, 0.5, 0.5]}}],
}


def test_submit_that_only_validates_says_what_would_be_read(service, run):
    service.script("CreateAnalysisJob", job(name="", resolved_inputs=RESOLVED))
    status, out, _ = run(*SUBMISSION, "--validate-only")
    assert status == 0
    assert out.splitlines() == [
        "valid",
        "  model data://m.pt2 (version 7) sha256:aa",
        "  data sha256:bb",
        "  400 rows, 10 classes, 4 layers",
        '  input x: {"image": {"column": "jpeg", "mean": [0.5, 0.5, 0.5]}}',
    ]
    status, out, _ = run(*SUBMISSION, "--validate-only", "--json")
    found = json.loads(out)
    assert found["valid"]
    assert found["resolved_inputs"]["inputs"]["x"]["image"]["mean"] == [0.5, 0.5, 0.5]


def test_get_says_what_was_read(service, run):
    read = RESOLVED | {"rows_used": 300}
    service.script("GetAnalysisJob", job("SUCCEEDED", resolved_inputs=read))
    _, out, _ = run("get", "nightly")
    assert "  400 rows (300 used), 10 classes, 4 layers" in out.splitlines()
    assert '"mean": [0.5, 0.5, 0.5]' in out


def test_submit_attaches_to_the_same_job(service, run):
    taken = fails(
        grpc.StatusCode.ALREADY_EXISTS, reason="JOB_EXISTS", metadata={"same_spec": "true"}
    )
    service.script("CreateAnalysisJob", taken)
    service.script("GetAnalysisJob", job("RUNNING"))
    assert run(*SUBMISSION, "--job-id=nightly", "--attach")[0] == 0
    assert run(*SUBMISSION, "--job-id=nightly")[0] == 9


def test_watch_writes_a_json_line_for_every_event(service, run):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", [snapshot("RUNNING"), progress(1, 2), snapshot("FAILED")])
    status, out, _ = run("watch", "nightly", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 3
    assert [next(iter(line)) for line in lines] == ["snapshot", "progress", "snapshot"]
    assert lines[1]["progress"]["completed_units"] == 1


def test_get_writes_what_is_wrong(service, run):
    failed = job("FAILED")
    failed.error.message = "no such column"
    service.script("GetAnalysisJob", failed)
    status, out, _ = run("get", "nightly")
    assert status == 0
    assert "no such column" in out


def test_list_writes_a_line_for_every_job_up_to_the_limit(service, run):
    page = service_pb2.ListAnalysisJobsResponse(
        analysis_jobs=[job(), job()], next_page_token="more"
    )
    service.script("ListAnalysisJobs", page)
    status, out, _ = run("list", "--limit=3", "--filter=state = FAILED", "--json")
    assert status == 0
    assert [json.loads(line)["name"] for line in out.splitlines()] == [NAME] * 3
    assert service.requests("ListAnalysisJobs")[0].filter == "state = FAILED"


def test_cancel_and_delete_say_what_they_did(service, run):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("CancelAnalysisJob", job("CANCELLING"))
    service.script("DeleteAnalysisJob", empty_pb2.Empty())
    assert "CANCELLING" in run("cancel", "nightly", "--reason=enough")[1]
    assert json.loads(run("delete", "nightly", "--json")[1]) == {"deleted": NAME}


def test_info_tells_versions_and_limits(service, run):
    limits = service_pb2.Limits(max_classes=1000, max_request_bytes=1 << 20)
    service.script("GetServerInfo", service_pb2.ServerInfo(version="1.2.3", limits=limits))
    out = run("info")[1]
    assert "max_classes: 1,000" in out
    assert "max_request_bytes: 1,048,576" in out


def test_an_error_names_its_fields(service, run):
    refused = fails(
        grpc.StatusCode.INVALID_ARGUMENT,
        "2 fields do not fit",
        violations={"a.b": "is wrong"},
        request_id="r-1",
    )
    service.script("CreateAnalysisJob", refused)
    _, out, err = run(*SUBMISSION)
    assert (out, "  a.b: is wrong" in err, "r-1" in err) == ("", True, True)
    document = json.loads(run(*SUBMISSION, "--json")[1])["error"]
    assert document["violations"] == [{"field": "a.b", "description": "is wrong"}]
