"""Names of resources are taken apart or refused."""

import pytest

from interference_service.errors import InvalidRequest
from interference_service.rpc.resource_names import job_named, job_of_result, project_of
from support.domain_examples import NAME


@pytest.mark.parametrize(
    ("parse", "field"),
    [(project_of, "parent"), (job_named, "name"), (job_of_result, "name")],
)
@pytest.mark.parametrize(
    "name",
    [
        "",
        "projects/",
        "projects/Solar",
        "projects/solar/",
        "projects/solar\n",
        "projects/solar/analysisJobs/",
        "projects/solar/analysisJobs/a-",
        "projects/solar/analysisJobs/a\n",
        "projects/solar/analysisJobs/" + "a" * 64,
        "projects/solar/analysisJobs/a/result/x",
        "projects/../analysisJobs/a",
        "/projects/solar/analysisJobs/a",
    ],
)
def test_a_name_that_does_not_parse_is_refused(parse, field, name):
    with pytest.raises(InvalidRequest) as caught:
        parse(name)
    assert [each.field for each in caught.value.violations] == [field]


def test_names_that_parse_give_their_parts():
    assert project_of("projects/solar") == "solar"
    assert job_named(NAME) == NAME
    assert job_of_result(f"{NAME}/result") == NAME
