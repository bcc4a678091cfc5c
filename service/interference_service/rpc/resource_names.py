"""Resource names of the contract and the parts they are made of (AIP-122)."""

import re

from interference_service.domain.job import job_name
from interference_service.domain.texts import ID
from interference_service.errors import InvalidRequest

_ID = re.compile(ID)
_PROJECT = re.compile(rf"projects/({ID})")
_JOB = re.compile(rf"projects/({ID})/analysisJobs/({ID})")
_RESULT = re.compile(rf"projects/({ID})/analysisJobs/({ID})/result")

_RULE = "each part in braces starts with a letter and has at most 63 of a-z, 0-9 and -"
ID_RULE = "must match [a-z]([a-z0-9-]{0,61}[a-z0-9])?"


def is_id(text: str) -> bool:
    """Whether the text may be the last part of a job's name."""
    return _ID.fullmatch(text) is not None


def project_of(parent: str) -> str:
    """The project that a ``parent`` names.

    Raises:
        InvalidRequest: It is not of the form ``projects/{project}``.
    """
    project: str = _match(_PROJECT, parent, "parent", "projects/{project}")[1]
    return project


def job_named(name: str, field: str = "name") -> str:
    """The name itself, once it is known to be that of a job.

    Args:
        name: As the caller sent it.
        field: Path of the field that holds it.

    Raises:
        InvalidRequest: It is not of the form ``projects/{project}/analysisJobs/{analysis_job}``.
    """
    _match(_JOB, name, field, "projects/{project}/analysisJobs/{analysis_job}")
    return name


def job_of_result(name: str) -> str:
    """Name of the job that a result belongs to.

    Raises:
        InvalidRequest: It is not a job's name followed by ``/result``.
    """
    form = "projects/{project}/analysisJobs/{analysis_job}/result"
    found = _match(_RESULT, name, "name", form)
    return job_name(found[1], found[2])


def result_name(job: str) -> str:
    """Name of the result of a job."""
    return f"{job}/result"


def _match(pattern: re.Pattern[str], name: str, field: str, form: str) -> re.Match[str]:
    found = pattern.fullmatch(name)
    if found is None:
        raise InvalidRequest.field(field, f"is {name[:200]!r}; must be {form}, where {_RULE}")
    return found
