"""A job <-> its row, one function each way."""

from collections.abc import Iterable
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import RowMapping

from interference_service.domain.job import Job
from interference_service.store.documents import document

_log = structlog.get_logger(__name__)
_PLAIN = (
    "uid",
    "project",
    "id",
    "creator",
    "engine_version",
    "attempt",
    "revision",
    "state",
    "create_time",
    "update_time",
    "start_time",
    "end_time",
    "expire_time",
    "ttl_seconds",
    "trace_parent",
)
_DOCUMENTS = ("specification", "settings", "progress", "error", "verdict", "resolved_inputs")


def row_of(job: Job) -> dict[str, Any]:
    """The columns of a job; the lease is none of its business."""
    return (
        {name: getattr(job, name) for name in _PLAIN}
        | {name: document(getattr(job, name)) for name in _DOCUMENTS}
        | {
            "name": job.name,
            "state": job.state.value,
            "monitor": job.specification.model.monitor,
            "priority": job.settings.priority.rank,
            "display_name": job.settings.display_name,
        }
    )


def job_of(row: RowMapping) -> Job:
    """The job of a row; fields that a later version has added are left out.

    Raises:
        ValidationError: This version cannot read it.
    """
    return Job.model_validate({name: row[name] for name in (*_PLAIN, *_DOCUMENTS)}, extra="ignore")


def readable(rows: Iterable[RowMapping]) -> list[Job]:
    """The jobs of rows, as far as this version can read them."""
    return [job for row in rows if (job := readable_job(row)) is not None]


def readable_job(row: RowMapping) -> Job | None:
    """The job of a row; None, and a line in the log, where a later version has written it."""
    try:
        return job_of(row)
    except ValidationError as error:
        _log.warning("job_unreadable", job=row["name"], error=str(error))
        return None
