"""Resource names of the contract and the parts they are made of (AIP-122).

What a call names is told in its lines of the log from then on.
"""

import re
from typing import Any

import structlog

from interference_service.domain.job import job_name
from interference_service.errors import InvalidRequest

_PART = r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ID = re.compile(_PART)
_PROJECT = re.compile(rf"projects/({_PART})")
_JOB = re.compile(rf"projects/({_PART})/analysisJobs/({_PART})")
_RESULT = re.compile(rf"projects/({_PART})/analysisJobs/({_PART})/result")
_NAMED = re.compile(rf"projects/(?P<project>{_PART})(?:/analysisJobs/(?P<job>{_PART}))?(?:/|$)")

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
    tell_in_log(project)
    return project


def job_named(name: str, field: str = "name") -> str:
    """The name itself, once it is known to be that of a job.

    Args:
        name: As the caller sent it.
        field: Path of the field that holds it.

    Raises:
        InvalidRequest: It is not of the form ``projects/{project}/analysisJobs/{analysis_job}``.
    """
    found = _match(_JOB, name, field, "projects/{project}/analysisJobs/{analysis_job}")
    tell_in_log(found[1], name)
    return name


def job_of_result(name: str) -> str:
    """Name of the job that a result belongs to.

    Raises:
        InvalidRequest: It is not a job's name followed by ``/result``.
    """
    form = "projects/{project}/analysisJobs/{analysis_job}/result"
    found = _match(_RESULT, name, "name", form)
    job = job_name(found[1], found[2])
    tell_in_log(found[1], job)
    return job


def named_in(request: Any) -> dict[str, str]:
    """The project and the job that a request names, as attributes of its span.

    Args:
        request: A message; what it names need not be well-formed.
    """
    job = getattr(request, "analysis_job", None)
    text = (
        getattr(request, "name", "") or getattr(job, "name", "") or getattr(request, "parent", "")
    )
    found = _NAMED.match(text)
    if found is None:
        return {}
    project, job_id = found["project"], found["job"]
    named = {"interference.project": project}
    return named | {"interference.job": job_name(project, job_id)} if job_id else named


def result_name(job: str) -> str:
    """Name of the result of a job."""
    return f"{job}/result"


def tell_in_log(project: str, job: str = "") -> None:
    """Have the lines of this call tell what it is about."""
    about = {"project": project, "job": job} if job else {"project": project}
    structlog.contextvars.bind_contextvars(**about)


def _match(pattern: re.Pattern[str], name: str, field: str, form: str) -> re.Match[str]:
    found = pattern.fullmatch(name)
    if found is None:
        raise InvalidRequest.field(field, f"is {name[:200]!r}; must be {form}, where {_RULE}")
    return found
