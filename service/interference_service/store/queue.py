"""The queue in SQL: which job is taken next, and how many a project has."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Subquery,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)

from interference_service.domain.job import PROMOTION, JobState, Priority
from interference_service.domain.ports import Backlog
from interference_service.store.tables import jobs, projects

HELD = tuple(state.value for state in JobState if state.held)
UNFINISHED = tuple(state.value for state in JobState if not state.terminal)
# Made once: to build a statement costs more than to run it.
_PROJECT = select(projects.c.name).where(projects.c.name == bindparam("wanted")).with_for_update()
_ACTIVE = (
    select(func.count())
    .select_from(jobs)
    .where(jobs.c.state.in_(UNFINISHED), jobs.c.project == bindparam("wanted"))
)


def next_row(
    connection: Connection, now: datetime, passed_over: Collection[str]
) -> RowMapping | None:
    """The row of the job that ``JobStore.claim`` takes, locked; None if there is none.

    Args:
        connection: Of a transaction that writes.
        now: A lease that ended before is none.
        passed_over: Ids of jobs that are passed over.
    """
    passed = set(passed_over)
    while True:
        uid = connection.execute(first_in_queue(now, passed)).scalar_one_or_none()
        if uid is None:
            return None
        row = connection.execute(locked(uid, now)).mappings().one_or_none()
        if row is not None:
            return row
        passed.add(uid)  # a rival has just taken it


def first_in_queue(now: datetime, passed_over: Collection[str]) -> Select[Any]:
    """Selects the id of the next job, in the order of ``JobStore.claim``."""
    waiting, held = _waiting(now), _held(now)
    return (
        select(waiting.c.uid)
        .outerjoin(held, held.c.project == waiting.c.project)
        .outerjoin(projects, projects.c.name == waiting.c.project)
        .where(waiting.c.uid.not_in(passed_over))
        .order_by(
            _urgency(waiting, now).desc(),
            func.coalesce(held.c.count, 0),
            projects.c.turn.asc().nulls_first(),
            waiting.c.create_time,
            waiting.c.uid,
        )
        .limit(1)
    )


def locked(uid: str, now: datetime) -> Select[Any]:
    """Selects a job for its next worker, unless a rival has it."""
    takeable = or_(jobs.c.state == JobState.PENDING.value, _abandoned(now))
    return select(jobs).where(jobs.c.uid == uid, takeable).with_for_update(skip_locked=True)


def take_turn(connection: Connection, project: str, now: datetime) -> None:
    """Note that a project has had its turn."""
    connection.execute(update(projects).where(projects.c.name == project).values(turn=now))


def lock_project(connection: Connection, project: str) -> None:
    """Let nobody else make a job of a project until the transaction ends.

    Raises:
        IntegrityError: Somebody else has just made its first one; a second try finds it.
    """
    if connection.execute(_PROJECT, {"wanted": project}).one_or_none() is None:
        connection.execute(insert(projects), {"name": project})


def active_count(connection: Connection, project: str) -> int:
    """Jobs of a project that are not finished."""
    return int(connection.execute(_ACTIVE, {"wanted": project}).scalar_one())


def backlog_of(connection: Connection) -> Backlog:
    """Counts of the jobs that are not finished."""
    counts = (
        select(
            jobs.c.state,
            jobs.c.project,
            func.count().label("count"),
            func.min(jobs.c.create_time).label("oldest"),
        )
        .where(jobs.c.state.in_(UNFINISHED))
        .group_by(jobs.c.state, jobs.c.project)
    )
    rows = connection.execute(counts).mappings().all()
    by_state, by_project = dict.fromkeys(map(JobState, UNFINISHED), 0), Counter[str]()
    for row in rows:
        by_state[JobState(row["state"])] += row["count"]
        by_project[row["project"]] += row["count"]
    pending = (row["oldest"] for row in rows if row["state"] == JobState.PENDING)
    return Backlog(by_state, min(pending, default=None), by_project)


def _abandoned(now: datetime) -> ColumnElement[bool]:
    free = or_(jobs.c.lease_until.is_(None), jobs.c.lease_until < now)
    return jobs.c.state.in_(HELD) & free


def _waiting(now: datetime) -> Subquery:
    """All jobs that can be taken; of those that are pending an index alone tells the place."""
    place = select(jobs.c.uid, jobs.c.project, jobs.c.priority, jobs.c.create_time)
    pending = place.where(jobs.c.state == JobState.PENDING.value)
    return union_all(pending, place.where(_abandoned(now))).subquery("waiting")


def _held(now: datetime) -> Subquery:
    """How many jobs of a project are held, where any is."""
    return (
        select(jobs.c.project, func.count().label("count"))
        .where(jobs.c.state.in_(HELD), jobs.c.lease_until >= now)
        .group_by(jobs.c.project)
        .subquery("held")
    )


def _urgency(waiting: Subquery, now: datetime) -> ColumnElement[int]:
    """What ``Job.urgency`` says."""
    top = Priority.HIGH.rank
    # Of all promotions up to the highest class, the largest that the wait is long enough for.
    promotions = [(waiting.c.create_time <= now - n * PROMOTION, n) for n in range(top, 0, -1)]
    urgency = waiting.c.priority + case(*promotions, else_=0)
    return case((urgency > top, top), else_=urgency)
