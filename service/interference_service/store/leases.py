"""What it means to claim a job, whatever the store."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from interference_service.domain.job import Job, JobState, Progress

LeaseTime = Callable[[Connection], datetime]
"""Tells what time it is for leases, asked within the transaction that judges one."""


def database_time(connection: Connection) -> datetime:
    """What time it is for a server, in UTC; the same for all who ask it."""
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def claimed(job: Job, now: datetime) -> Job:
    """The job as its next worker gets it: one attempt more, its progress begun anew.

    A pending job becomes RUNNING; one whose worker was lost keeps its state.
    """
    start = job.start_time or now
    progress = Progress(update_time=now)
    if job.state is JobState.PENDING:
        return job.to(
            JobState.RUNNING, now, attempt=job.attempt + 1, start_time=start, progress=progress
        )
    return job.changed(now, attempt=job.attempt + 1, start_time=start, progress=progress)
