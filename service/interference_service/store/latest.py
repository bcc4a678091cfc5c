"""The newest succeeded job of every monitor."""

from typing import Any

from sqlalchemy import Select, func, select

from interference_service.domain.job import JobState
from interference_service.store.tables import jobs


def latest_of_monitors() -> Select[Any]:
    """Selects them, by project and monitor."""
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
