"""What is asked of the monitors: their newest succeeded jobs, and how many failed since."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from interference_service.domain.job import Job, JobState
from interference_service.store.rows import readable
from interference_service.store.tables import jobs

_FEW = 500
"""Jobs that are asked for one by one; every one is a parameter, of which databases take some 30,000."""


def latest_of_monitors(connection: Connection, known: Collection[Job]) -> list[Job]:
    """The newest succeeded job of every monitor, by project and monitor.

    To read a job takes some hundred times as long as to read its uid.

    Args:
        connection: Reads.
        known: Jobs that are not read again.
    """
    if not known:
        return readable(connection.execute(_latest(jobs)).mappings())
    uids = connection.scalars(_latest(jobs.c.uid)).all()
    found = {job.uid: job for job in known}
    new = [uid for uid in uids if uid not in found]
    wanted = select(jobs).where(jobs.c.uid.in_(new)) if len(new) <= _FEW else _latest(jobs)
    read = readable(connection.execute(wanted).mappings()) if new else []
    found |= {job.uid: job for job in read}
    return [found[uid] for uid in uids if uid in found]


def _latest(*wanted: Any) -> Select[Any]:
    newest_first = func.row_number().over(
        partition_by=(jobs.c.project, jobs.c.monitor), order_by=(jobs.c.end_time.desc(), jobs.c.uid)
    )
    ranked = (
        select(jobs.c.uid, newest_first.label("rank"))
        .where(jobs.c.state == JobState.SUCCEEDED.value, jobs.c.monitor != "")
        .subquery()
    )
    return (
        select(*wanted)
        .select_from(jobs)
        .join(ranked, ranked.c.uid == jobs.c.uid)
        .where(ranked.c.rank == 1)
        .order_by(jobs.c.project, jobs.c.monitor)
    )


def latest_of_monitor(project: str, monitor: str) -> Select[Any]:
    """Selects the newest succeeded job of one monitor."""
    return (
        select(jobs)
        .where(
            jobs.c.state == JobState.SUCCEEDED.value,
            jobs.c.project == project,
            jobs.c.monitor == monitor,
        )
        .order_by(jobs.c.end_time.desc(), jobs.c.uid)
        .limit(1)
    )


def failures_since_success() -> Select[Any]:
    """Selects project, monitor and ``failures`` of every monitor that has any.

    An index holds all that it reads: the failed jobs, and one entry of a job that succeeded for
    each.
    """
    succeeded = jobs.alias("succeeded")
    last_success = (
        select(func.max(succeeded.c.end_time))
        .where(
            succeeded.c.state == JobState.SUCCEEDED.value,
            succeeded.c.project == jobs.c.project,
            succeeded.c.monitor == jobs.c.monitor,
        )
        .correlate(jobs)
        .scalar_subquery()
    )
    return (
        select(jobs.c.project, jobs.c.monitor, func.count().label("failures"))
        .where(
            jobs.c.state == JobState.FAILED.value,
            jobs.c.monitor != "",
            or_(last_success.is_(None), jobs.c.end_time > last_success),
        )
        .group_by(jobs.c.project, jobs.c.monitor)
    )
