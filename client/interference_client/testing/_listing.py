"""Listings of the fake service."""

import base64
import json
import re
import zlib
from collections.abc import Callable, Sequence

from interference.v1 import analysis_job_pb2 as job_pb2, analysis_service_pb2 as service_pb2
from interference_client.testing._refusals import Refusal, unfit

_TERM = re.compile(
    r'\s*(?P<field>[a-z_]+(?:\.[a-z0-9_.-]+)?)\s*(?P<relation>=|!=|:)\s*(?P<value>"(?:[^"\\]|\\.)*"|[^\s()"]+)\s*'
)
_MOST, _USUAL = 200, 50
_STATES = frozenset(job_pb2.AnalysisJob.State.keys())
_ORDERS = {"create_time", "end_time"}
_FIELDS: dict[str, Callable[[job_pb2.AnalysisJob], str]] = {
    "state": lambda job: job_pb2.AnalysisJob.State.Name(job.state),
    "monitor": lambda job: job.spec.model.monitor,
    "display_name": lambda job: job.display_name,
    "creator": lambda job: job.creator,
    "priority": lambda job: job_pb2.Priority.Name(job.priority).removeprefix("PRIORITY_"),
}

Holds = Callable[[job_pb2.AnalysisJob], bool]


def page_of(
    request: service_pb2.ListAnalysisJobsRequest, jobs: Sequence[job_pb2.AnalysisJob]
) -> service_pb2.ListAnalysisJobsResponse:
    """One page of a project's jobs.

    Raises:
        Refusal: Size, filter, order or token do not fit.
    """
    if request.page_size < 0:
        raise unfit({"page_size": f"is {request.page_size}; it must not be negative"})
    holds, (field, descending) = _filter(request.filter), _order(request.order_by)
    wanted = [
        job for job in jobs if job.name.startswith(f"{request.parent}/analysisJobs/") and holds(job)
    ]
    wanted.sort(key=lambda job: (getattr(job, field).ToNanoseconds(), job.name), reverse=descending)
    begin = _position(request)
    end = begin + min(request.page_size or _USUAL, _MOST)
    return service_pb2.ListAnalysisJobsResponse(
        analysis_jobs=wanted[begin:end],
        next_page_token=_token(request, end) if end < len(wanted) else "",
    )


def _filter(text: str) -> Holds:
    """The terms that all hold; of the service's filters those of = and != that AND joins."""
    if not text.strip():
        return lambda _: True
    terms = [_term(each) for each in re.split(r"\bAND\b", text.replace("(", " ").replace(")", " "))]
    return lambda job: all(each(job) for each in terms)


def _term(text: str) -> Holds:
    found = _TERM.fullmatch(text)
    if found is None:
        raise _unread(f"has {text.strip()[:80]!r}")
    field, relation, value = found["field"], found["relation"], found["value"]
    if value.startswith('"'):
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    if field == "labels" and relation == ":":
        return lambda job: value in job.labels
    if field.startswith("labels.") and relation != ":":
        key = field.removeprefix("labels.")
        return lambda job: (job.labels.get(key) == value) == (relation == "=")
    if field not in _FIELDS or relation == ":":
        raise _unread(f"compares {field!r} by {relation!r}")
    if field == "state" and value not in _STATES:
        raise unfit({"filter": f"compares state with {value!r}, which is not a value of it"})
    return lambda job: (_FIELDS[field](job) == value) == (relation == "=")


def _unread(what: str) -> Refusal:
    return unfit(
        {"filter": f"{what}; the fake service reads FIELD = VALUE and != joined by AND, labels:KEY"}
    )


def _order(text: str) -> tuple[str, bool]:
    words = text.split()
    if not words:
        return "create_time", True
    if words[0] not in _ORDERS or words[1:] not in ([], ["asc"], ["desc"]):
        raise unfit(
            {"order_by": f"is {text!r}; it must be create_time or end_time, with optional ' desc'"}
        )
    return words[0], words[1:] == ["desc"]


def _token(request: service_pb2.ListAnalysisJobsRequest, position: int) -> str:
    payload = json.dumps([_bound_to(request), position])
    return base64.urlsafe_b64encode(payload.encode()).decode()


def _position(request: service_pb2.ListAnalysisJobsRequest) -> int:
    if not request.page_token:
        return 0
    try:
        bound, position = json.loads(base64.urlsafe_b64decode(request.page_token))
    except ValueError:
        bound, position = -1, 0
    if bound != _bound_to(request):
        raise unfit({"page_token": "is not a token of this listing"}, "INVALID_TOKEN")
    return int(position)


def _bound_to(request: service_pb2.ListAnalysisJobsRequest) -> int:
    return zlib.crc32(json.dumps([request.parent, request.filter, request.order_by]).encode())
