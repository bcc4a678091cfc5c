"""What does not fit is named by the request's own field, with the value and what would be right."""

import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import BaseModel

from interference.v1 import analysis_job_pb2, analysis_service_pb2
from interference_service.errors import InvalidRequest
from interference_service.rpc.convert_requests import changes_from_wire, submission_from_wire
from interference_service.rpc.convert_specification import specification_to_wire
from interference_service.rpc.validation import validated
from support.domain_examples import NAME, rich_specification

Request = analysis_service_pb2.CreateAnalysisJobRequest


def request() -> Request:
    return Request(
        parent="projects/solar",
        analysis_job={"spec": specification_to_wire(rich_specification())},
    )


def setting(path: str, value: object) -> Callable[[Request], None]:
    """A change of one field; ``[i]`` picks an element, a callable value is called with the field."""
    *holders, last = path.split(".")

    def change(message):
        for holder in holders:
            name, _, index = holder.partition("[")
            message = getattr(message, name)
            if index:
                message = message[int(index[:-1])]
        field = getattr(message, last, None)
        if callable(value):
            value(field)
        else:
            setattr(message, last, value)

    return change


def clearing(path: str) -> Callable[[Request], None]:
    holder, _, last = path.rpartition(".")

    def change(message):
        for name in filter(None, holder.split(".")):
            message = getattr(message, name)
        message.ClearField(last)

    return change


JOB = "analysis_job"
SPEC = f"{JOB}.spec"
IMAGE = f"{SPEC}.data.inputs[0].image"

BAD_REQUESTS = [
    # change, field, words that the description has
    (clearing(JOB), JOB, "not set"),
    (clearing(SPEC), SPEC, "not set"),
    (setting("analysis_job_id", "Nightly"), "analysis_job_id", "'Nightly'"),
    (setting("analysis_job_id", "a\n"), "analysis_job_id", "'a\\n'"),
    (setting("request_id", "7"), "request_id", "UUID"),
    (clearing(f"{SPEC}.model"), f"{SPEC}.model", "not set"),
    (clearing(f"{SPEC}.model.uri"), f"{SPEC}.model.uri", "not set"),
    (setting(f"{SPEC}.model.uri", "no uri"), f"{SPEC}.model.uri", "'no uri'"),
    (clearing(f"{SPEC}.model.format"), f"{SPEC}.model.format", "MODEL_FORMAT_TORCH_EXPORT"),
    (setting(f"{SPEC}.model.format", 77), f"{SPEC}.model.format", "77"),
    (setting(f"{SPEC}.model.digest", "md5:1"), f"{SPEC}.model.digest", "sha256"),
    (
        setting(f"{SPEC}.model.architecture_arguments", "[1]"),
        f"{SPEC}.model.architecture_arguments",
        "JSON object",
    ),
    (setting(f"{SPEC}.model.monitor", "a b"), f"{SPEC}.model.monitor", "'a b'"),
    (clearing(f"{SPEC}.data.uris"), f"{SPEC}.data.uris", "not set"),
    (setting(f"{SPEC}.data.uris", lambda uris: uris.append("x")), f"{SPEC}.data.uris[2]", "'x'"),
    (clearing(f"{SPEC}.data.format"), f"{SPEC}.data.format", "DATA_FORMAT_PARQUET"),
    (clearing(f"{SPEC}.data.label_column"), f"{SPEC}.data.label_column", "not set"),
    (
        setting(f"{SPEC}.data.class_names", lambda names: names.append("Müll")),
        f"{SPEC}.data.class_names",
        "distinct",
    ),
    (
        setting(f"{SPEC}.data.digest", "sha256:" + "0" * 64),
        f"{SPEC}.data.digest",
        "exactly one uri",
    ),
    (setting(f"{SPEC}.data.inputs[0].name", "1x"), f"{SPEC}.data.inputs[0].name", "'1x'"),
    (
        setting(f"{SPEC}.data.inputs", lambda inputs: inputs[1].ClearField("tensor")),
        f"{SPEC}.data.inputs[1]",
        "exactly one of image, tensor, columns and tokens",
    ),
    (setting(f"{IMAGE}.column", ""), f"{IMAGE}.column", "not set"),
    (setting(f"{IMAGE}.resize_width", 0), f"{IMAGE}.resize_height", "must both be set"),
    (setting(f"{IMAGE}.resize_width", 5000), f"{IMAGE}.resize_width", "4096"),
    (setting(f"{IMAGE}.mode", 9), f"{IMAGE}.mode", "IMAGE_MODE_GREY"),
    (setting(f"{IMAGE}.scale", math.nan), f"{IMAGE}.scale", "finite"),
    (setting(f"{IMAGE}.mean", lambda mean: mean.append(1)), f"{IMAGE}.mean", "per channel"),
    (
        setting(f"{SPEC}.data.inputs[1].tensor.shape", lambda shape: shape.append(-1)),
        f"{SPEC}.data.inputs[1].tensor.shape[2]",
        "-1",
    ),
    (
        setting(f"{SPEC}.data.priors.shares", lambda shares: shares.append(math.inf)),
        f"{SPEC}.data.priors.shares[3]",
        "inf",
    ),
    (
        setting(f"{SPEC}.data.sampling.max_rows_per_class", -1),
        f"{SPEC}.data.sampling.max_rows_per_class",
        "greater than or equal to 0",
    ),
    (setting(f"{SPEC}.options.folds", 2), f"{SPEC}.options.folds", "3 to 64"),
    (setting(f"{SPEC}.options.loss.kind", -1), f"{SPEC}.options.loss.kind", "LOSS_KIND_FOCAL"),
    (
        setting(f"{SPEC}.options.loss.label_smoothing", 0.1),
        f"{SPEC}.options.loss.label_smoothing",
        "LOSS_KIND_CROSS_ENTROPY",
    ),
    (
        setting(f"{SPEC}.options.loss.kind", analysis_job_pb2.LOSS_KIND_MULTI_LABEL),
        f"{SPEC}.data.group_column",
        "the labels are the groups",
    ),
    (
        setting(f"{SPEC}.options.conflict_level", math.nan),
        f"{SPEC}.options.conflict_level",
        "nan",
    ),
    (
        setting(f"{SPEC}.options.confidence_level", 1.0),
        f"{SPEC}.options.confidence_level",
        "less than 1",
    ),
    (clearing(f"{SPEC}.options.head.pattern"), f"{SPEC}.options.head.pattern", "HEAD_RULE_PATTERN"),
    (
        setting(f"{SPEC}.gates", lambda gates: gates[0].ClearField("comparison")),
        f"{SPEC}.gates[0].comparison",
        "COMPARISON_AT_MOST",
    ),
    (
        setting(f"{SPEC}.gates", lambda gates: gates[0].ClearField("bound")),
        f"{SPEC}.gates[0].bound",
        "not set",
    ),
    (
        setting(f"{SPEC}.gates", lambda gates: gates.append(gates[0])),
        f"{SPEC}.gates",
        "distinct ids",
    ),
    (
        setting(f"{SPEC}.max_run_duration", lambda limit: limit.FromTimedelta(timedelta(0))),
        f"{SPEC}.max_run_duration",
        "positive",
    ),
    (
        setting(f"{SPEC}.max_run_duration.seconds", 10**18),
        f"{SPEC}.max_run_duration",
        "1000000000000000000 s",
    ),
    (setting(f"{JOB}.display_name", "x" * 129), f"{JOB}.display_name", "128"),
    (
        setting(f"{JOB}.labels", lambda labels: labels.update(Team="x")),
        f"{JOB}.labels[Team]",
        "'Team'",
    ),
    (
        setting(f"{JOB}.labels", lambda labels: labels.update(team="x" * 129)),
        f"{JOB}.labels[team]",
        "128",
    ),
    (
        setting(f"{JOB}.annotations", lambda texts: texts.update(a="x" * 16384)),
        f"{JOB}.annotations",
        "16 KiB",
    ),
    (setting(f"{JOB}.display_name", "a\x1b[2Jb"), f"{JOB}.display_name", "U+001B"),
    (
        setting(f"{JOB}.labels", lambda labels: labels.update(team="a\0")),
        f"{JOB}.labels[team]",
        "U+0000",
    ),
    (
        setting(f"{JOB}.annotations", lambda texts: texts.update(a="\0")),
        f"{JOB}.annotations[a]",
        "U+0000",
    ),
    (setting(f"{SPEC}.model.version", "v\n7"), f"{SPEC}.model.version", "U+000A"),
    (setting(f"{JOB}.priority", 4), f"{JOB}.priority", "PRIORITY_HIGH"),
    (setting(f"{JOB}.ttl.nanos", 10**9), f"{JOB}.ttl", "1e9 ns"),
    (setting(f"{JOB}.expire_time.seconds", 10**15), f"{JOB}.expire_time", "years"),
]


def test_the_request_that_the_bad_ones_are_made_from_is_good():
    submission_from_wire(request(), "")


@pytest.mark.parametrize(
    ("change", "field", "words"), BAD_REQUESTS, ids=[field for _, field, _ in BAD_REQUESTS]
)
def test_a_bad_request_is_refused_with_its_field(change, field, words):
    bad = request()
    change(bad)

    with pytest.raises(InvalidRequest) as caught:
        submission_from_wire(bad, "")

    (violation,) = caught.value.violations
    assert violation.field == field
    assert words in violation.description


def test_everything_that_does_not_fit_is_told_at_once():
    bad = request()
    bad.analysis_job_id = "!"
    bad.analysis_job.display_name = "x" * 200
    bad.analysis_job.spec.options.folds = 1
    bad.analysis_job.spec.options.conflict_level = math.inf

    with pytest.raises(InvalidRequest) as caught:
        submission_from_wire(bad, "")

    assert [each.field for each in caught.value.violations] == [
        "analysis_job_id",
        "analysis_job.display_name",
        "analysis_job.spec.options.conflict_level",
        "analysis_job.spec.options.folds",
    ]


def test_a_number_that_is_not_finite_is_refused_even_where_the_model_would_take_it():
    class Lenient(BaseModel):
        margin: float

    message = analysis_job_pb2.Loss(margin=math.nan)
    with pytest.raises(InvalidRequest) as caught:
        validated(Lenient, message, "loss")
    assert [each.field for each in caught.value.violations] == ["loss.margin"]


def test_a_class_called_nan_is_a_name_like_any_other():
    good = request()
    good.analysis_job.spec.data.class_names.append("NaN")
    assert submission_from_wire(good, "").specification.data.class_names[-1] == "NaN"


def test_output_only_fields_are_ignored_whatever_they_hold():
    odd = request()
    odd.analysis_job.create_time.seconds = 10**16
    odd.analysis_job.state = 99
    odd.analysis_job.progress.total_units = -1
    submission_from_wire(odd, "")


@pytest.mark.parametrize(
    ("job", "paths", "field"),
    [
        ({}, ["spec"], "update_mask"),
        ({}, ["state"], "update_mask"),
        ({}, ["colour"], "update_mask"),
        ({}, ["labels."], "update_mask"),
        ({}, ["spec.data"], "update_mask"),
        ({}, ["display_name.first"], "update_mask"),
        ({"labels": {"Team": ""}}, ["labels.Team"], "analysis_job.labels[Team]"),
        ({}, [f"{i}" for i in range(200_000)], "update_mask"),
        ({}, ["display_name", ""], "update_mask"),
        ({}, ["ttl"], "analysis_job.ttl"),
        ({"ttl": timedelta(1)}, ["expire_time"], "analysis_job.expire_time"),
        ({"priority": 9}, [], "analysis_job.priority"),
        ({"labels": {"A": ""}}, ["*"], "analysis_job.labels[A]"),
    ],
)
def test_a_bad_update_is_refused_with_its_field(job, paths, field):
    bad = analysis_service_pb2.UpdateAnalysisJobRequest(
        analysis_job=analysis_job_pb2.AnalysisJob(name=NAME, **job), update_mask={"paths": paths}
    )
    with pytest.raises(InvalidRequest) as caught:
        changes_from_wire(bad)
    assert [each.field for each in caught.value.violations] == [field]
