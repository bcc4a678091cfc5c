"""What callers change of a job: its settings, its life, its end; pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from pydantic import ValidationError

from interference_service.domain.job import Job, JobError, JobState
from interference_service.errors import EtagMismatch, InvalidRequest, Violation


def match(job: Job, etag: str) -> None:
    """Refuse a caller who has not seen the job as it is; an empty etag matches every job.

    Raises:
        EtagMismatch: Somebody else changed it.
    """
    if etag and etag != job.etag:
        raise EtagMismatch(
            f"{job.name} has changed since etag {etag[:80]!r} was read; read it again",
            metadata={"name": job.name, "etag": job.etag},
        )


def updated(job: Job, changes: Mapping[str, object], now: datetime) -> Job:
    """The job with other settings, or another life after its end.

    Args:
        job: The job as it is.
        changes: Fields of ``Settings`` and entries of them, or ``expire_time``, or ``ttl_seconds``.
        now: Time of the change.

    Raises:
        InvalidRequest: Its settings would be larger than they may.
    """
    try:
        settings = job.settings.with_changes(changes)
    except ValidationError as error:
        raise _too_large(error) from error
    life: dict[str, object] = {}
    if (ttl := changes.get("ttl_seconds")) is not None:
        seconds = cast("float", ttl)
        end = job.end_time and job.end_time + timedelta(seconds=seconds)
        life = {"ttl_seconds": seconds, "expire_time": end}
    elif (expire := changes.get("expire_time")) is not None:
        life = {"ttl_seconds": None, "expire_time": expire}
    return job.changed(now, settings=settings, **life)


def _too_large(error: ValidationError) -> InvalidRequest:
    """Only together can entries be wrong that were right one by one."""
    found = error.errors(include_url=False)
    violations = [
        Violation(f"analysis_job.{each['loc'][0] if each['loc'] else 'annotations'}", each["msg"])
        for each in found
    ]
    first = violations[0]
    return InvalidRequest(f"{first.field}: {first.description}", violations=violations)


def cancelled(job: Job, error: JobError, now: datetime, default_ttl_seconds: float) -> Job:
    """The job once its end was asked for; itself where it was asked for before.

    Raises:
        WrongState: It has succeeded or failed.
    """
    if job.state in {JobState.CANCELLING, JobState.CANCELLED}:
        return job
    if job.state is JobState.RUNNING:
        return job.to(JobState.CANCELLING, now, error=error)
    expire = job.expire_time or now + timedelta(seconds=job.ttl_seconds or default_ttl_seconds)
    return job.to(JobState.CANCELLED, now, error=error, expire_time=expire)
