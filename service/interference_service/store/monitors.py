"""What is asked of the monitors: their newest succeeded jobs, and how many failed since."""

from typing import Any

from sqlalchemy import Select, func, or_, select

from interference_service.domain.job import JobState
from interference_service.store.tables import jobs


def latest_of_monitors() -> Select[Any]:
    """Selects the newest succeeded job of every monitor, by project and monitor."""
    newest_first = func.row_number().over(
        partition_by=(jobs.c.project, jobs.c.monitor), order_by=(jobs.c.end_time.desc(), jobs.c.uid)
    )
    ranked = (
        select(jobs.c.uid, newest_first.label("rank"))
        .where(jobs.c.state == JobState.SUCCEEDED.value, jobs.c.monitor != "")
        .subquery()
    )
    return (
        select(jobs)
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
