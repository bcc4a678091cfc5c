"""Requests with very many values, each of which may be wrong, cost no more than a look at some."""

import math
import time
from functools import reduce

import pytest

from interference.v1 import analysis_job_pb2, analysis_service_pb2
from interference_service.errors import InvalidRequest
from interference_service.rpc.convert_requests import submission_from_wire
from interference_service.rpc.convert_specification import specification_to_wire
from interference_service.rpc.validation import MAX_VALUES, MAX_VIOLATIONS
from support.domain_examples import rich_specification

Request = analysis_service_pb2.CreateAnalysisJobRequest
SPEC = "analysis_job.spec"
MOST_SECONDS = 2.0
"""Of processor time; what is refused without a look at each takes some hundredths."""


def request() -> Request:
    return Request(
        parent="projects/solar", analysis_job={"spec": specification_to_wire(rich_specification())}
    )


def violations(bad: Request) -> list[tuple[str, str]]:
    """Field and description of what a request is refused for, which took no time."""
    begin = time.process_time()
    with pytest.raises(InvalidRequest) as caught:
        submission_from_wire(bad, "")
    assert time.process_time() - begin < MOST_SECONDS
    return [(each.field, each.description) for each in caught.value.violations]


FLOODS = [
    ("data.class_names", [""] * 400_000),
    ("data.uris", [""] * 400_000),
    ("data.inputs", [analysis_job_pb2.Input()] * 300_000),
    ("data.priors.shares", [-1.0] * 130_000),
    ("options.layer_globs", [""] * 400_000),
    ("gates", [analysis_job_pb2.Gate()] * 300_000),
]


@pytest.mark.parametrize(("path", "values"), FLOODS, ids=[path for path, _ in FLOODS])
def test_too_many_values_are_refused_without_a_look_at_each(path, values):
    bad = request()
    reduce(getattr, path.split("."), bad.analysis_job.spec).extend(values)
    ((field, description),) = violations(bad)
    assert field.startswith(f"{SPEC}.{path}[")
    assert str(MAX_VALUES) in description


def test_too_many_labels_are_refused_likewise():
    bad = request()
    bad.analysis_job.labels.update({f"K{i}": "" for i in range(MAX_VALUES + 1)})
    assert [field for field, _ in violations(bad)] == ["analysis_job.labels"]


def test_bad_numbers_are_told_as_far_as_a_caller_can_hear():
    bad = request()
    bad.analysis_job.spec.data.priors.shares.extend([math.nan] * 5000)
    found = violations(bad)
    assert len(found) == MAX_VIOLATIONS
    assert found[0] == (f"{SPEC}.data.priors.shares[3]", "is nan; must be a finite number")


def test_of_a_thousand_violations_the_caller_hears_of_some():
    bad = request()
    bad.analysis_job.spec.data.class_names.extend([""] * 1000)
    assert len(violations(bad)) == MAX_VIOLATIONS


def test_as_many_values_as_an_analysis_may_have_are_taken():
    good = request()
    names = [f"class-{i}" for i in range(9_000)]
    good.analysis_job.spec.data.class_names.extend(names)
    good.analysis_job.spec.data.priors.class_weights[:] = [1.0] * 9_003
    good.analysis_job.spec.options.minority_rule.classes[:] = names
    assert len(submission_from_wire(good, "").specification.data.class_names) == 9_003
