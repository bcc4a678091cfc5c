"""Pages of a listing by key, so that a page costs the same wherever it begins.

A job without the ordering time comes after all others, and before them in descending order: what
has not ended ends later than what has.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    String,
    and_,
    cast,
    func,
    or_,
    select,
)

from interference_service.domain.job import Job
from interference_service.domain.query import Cursor, FilterField, JobPage, JobQuery, Order
from interference_service.store.filters import condition
from interference_service.store.tables import jobs

MAX_CHARACTERS = 1_000_000
"""Of the specifications of a page, unless one has more by itself."""
_CHARACTERS = func.length(cast(jobs.c.specification, String)).label("specification_characters")


def page_statement(query: JobQuery) -> Select[tuple[object, ...]]:
    """Selects the rows of a page, and one more if there are more."""
    column, descending = jobs.c[query.order.field.value], query.order.descending
    statement = select(jobs, _CHARACTERS).where(
        jobs.c.project == query.project, condition(query.filter)
    )
    if query.after is not None:
        statement = statement.where(_after(query.after, column, descending=descending))
    if descending:
        statement = statement.order_by(column.desc().nulls_first(), jobs.c.id.desc())
    else:
        statement = statement.order_by(column.asc().nulls_last(), jobs.c.id.asc())
    return statement.limit(query.limit + 1)


def fitting_rows(connection: Connection, query: JobQuery) -> tuple[list[RowMapping], bool]:
    """The rows of a page, and whether others follow.

    A page ends where its specifications have a million characters: a specification may have as
    many by itself, and two hundred of them would be a gigabyte in memory.
    """
    rows: list[RowMapping] = []
    characters = 0
    streamed = {"stream_results": True, "max_row_buffer": 16}
    with connection.execute(page_statement(query), execution_options=streamed) as found:
        for row in found.mappings():
            characters += row[_CHARACTERS.name]
            if len(rows) == query.limit or (rows and characters > MAX_CHARACTERS):
                return rows, True
            rows.append(row)
    return rows, False


def page_of(found: Sequence[Job], query: JobQuery) -> JobPage:
    """The page made of at most one job more than fit."""
    kept = tuple(found[: query.limit])
    if len(found) <= query.limit or not kept:
        return JobPage(kept, None)
    return JobPage(kept, cursor_after(ordering_time(kept[-1], query.order), kept[-1].id))


def cursor_after(moment: datetime | None, job_id: str) -> Cursor:
    """Where a page begins that follows a job with this ordering time."""
    return Cursor(None if moment is None else moment.isoformat(), job_id)


def ordering_time(job: Job, order: Order) -> datetime | None:
    """The time that orders a job in a listing."""
    return job.end_time if order.field is FilterField.END_TIME else job.create_time


def _after(
    cursor: Cursor, column: ColumnElement[datetime], *, descending: bool
) -> ColumnElement[bool]:
    beyond = jobs.c.id < cursor.job_id if descending else jobs.c.id > cursor.job_id
    if cursor.value is None:
        rest = and_(column.is_(None), beyond)
        return or_(rest, column.is_not(None)) if descending else rest
    moment = datetime.fromisoformat(cursor.value)
    tied = and_(column == moment, beyond)
    if descending:
        return or_(column < moment, tied)
    return or_(column > moment, tied, column.is_(None))
