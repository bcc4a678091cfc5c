"""What a watch compares a job by, without reading the whole of it."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, select

from interference_service.domain.job import Progress
from interference_service.domain.ports import Mark
from interference_service.store.tables import jobs


def marks_of(connection: Connection, names: Collection[str]) -> Mapping[str, Mark]:
    """The marks of jobs by name; of those that there are."""
    columns = (jobs.c.name, jobs.c.uid, jobs.c.revision, jobs.c.progress)
    rows = connection.execute(select(*columns).where(jobs.c.name.in_(names)))
    return {
        name: Mark(uid, revision, Progress.model_validate(progress, extra="ignore"))
        for name, uid, revision, progress in rows
    }
