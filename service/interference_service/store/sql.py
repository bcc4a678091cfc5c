"""Jobs in a SQL database."""

import secrets as random_secrets
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError
from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Select,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from interference_service.domain.job import Job, JobState, Progress
from interference_service.domain.ports import Backlog, Clock, Idempotency
from interference_service.domain.query import JobPage, JobQuery
from interference_service.store.database import writing
from interference_service.store.documents import document
from interference_service.store.leases import claimed
from interference_service.store.paging import cursor_after, page_statement
from interference_service.store.refusals import job_exists, lease_lost, not_found
from interference_service.store.requests import answered, remember
from interference_service.store.rows import job_of, row_of
from interference_service.store.tables import GENERATION, counters, jobs, secrets

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")
_TERMINAL = tuple(state.value for state in JobState if state.terminal)
_UNFINISHED = tuple(state for state in JobState if not state.terminal)
_HELD = tuple(state.value for state in JobState if state.held)
_SECRET_BYTES = 32


class SqlJobStore:
    """``JobStore`` on an engine whose schema is there; safe to share among threads."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._reader = engine
        self._writer = writing(engine)
        self._clock = clock
        self._unreadable: set[str] = set()
        # SQLite lets one writer in at a time. Threads that queue here need not poll its lock.
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._turn, self._writer.begin() as connection:
            yield connection

    def create(self, job: Job, idempotency: Idempotency | None) -> tuple[Job, bool]:
        """See ``JobStore.create``."""
        return _again(lambda: self._create(job, idempotency))

    def _create(self, job: Job, idempotency: Idempotency | None) -> tuple[Job, bool]:
        now = self._clock.now()
        with self._writing() as connection:
            earlier = answered(connection, idempotency, now) if idempotency else None
            if earlier is not None:
                return earlier, True
            taken = connection.execute(_named(job.name)).mappings().one_or_none()
            if taken is not None:
                raise job_exists(job_of(taken), job)
            connection.execute(insert(jobs).values(row_of(job)))
            if idempotency:
                remember(connection, idempotency, job, now)
        return job, False

    def get(self, name: str) -> Job:
        """See ``JobStore.get``."""
        with self._reader.begin() as connection:
            return job_of(_row(connection, _named(name), name))

    def list(self, query: JobQuery) -> JobPage:
        """See ``JobStore.list``."""
        with self._reader.begin() as connection:
            rows = connection.execute(page_statement(query)).mappings().all()
        fitting = rows[: query.limit]
        found = tuple(job for row in fitting if (job := _readable(row)) is not None)
        if len(rows) <= query.limit:
            return JobPage(found, None)
        last = fitting[-1]
        return JobPage(found, cursor_after(last[query.order.field.value], last["id"]))

    def change(self, name: str, change: Callable[[Job], Job], *, owner: str | None = None) -> Job:
        """See ``JobStore.change``."""
        with self._writing() as connection:
            row = _row(connection, _named(name).with_for_update(), name)
            before = job_of(row)
            if owner is not None and not (before.state.held and row["lease_owner"] == owner):
                raise lease_lost(name, owner)
            after = change(before)
            if after is not before:
                _replace(connection, before, after)
            return after

    def delete(self, name: str, check: Callable[[Job], None]) -> Job:
        """See ``JobStore.delete``."""
        with self._writing() as connection:
            job = job_of(_row(connection, _named(name).with_for_update(), name))
            check(job)
            connection.execute(delete(jobs).where(jobs.c.uid == job.uid))
            _bump_generation(connection)
            return job

    def claim(self, owner: str, now: datetime, until: datetime) -> Job | None:
        """See ``JobStore.claim``."""
        with self._writing() as connection:
            while True:
                claimable = _claimable(now, self._unreadable)
                row = connection.execute(claimable).mappings().one_or_none()
                if row is None:
                    return None
                found = _readable(row)
                if found is not None:
                    break
                # It stays for the version that can; those behind it must not wait.
                self._unreadable.add(row["uid"])
            job = claimed(found, now)
            values = row_of(job) | {"lease_owner": owner, "lease_until": until}
            connection.execute(update(jobs).where(jobs.c.uid == job.uid).values(values))
            return job

    def renew(
        self, name: str, owner: str, until: datetime, progress: Progress | None
    ) -> JobState | None:
        """See ``JobStore.renew``."""
        values: dict[str, Any] = {"lease_until": until}
        if progress is not None:
            values["progress"] = document(progress)
        held = jobs.c.lease_owner == owner, jobs.c.state.in_(_HELD)
        with self._writing() as connection:
            state = connection.execute(
                update(jobs)
                .where(jobs.c.name == name, *held)
                .values(values)
                .returning(jobs.c.state)
            ).scalar_one_or_none()
        return None if state is None else JobState(state)

    def expired(self, now: datetime, limit: int) -> Sequence[Job]:
        """See ``JobStore.expired``."""
        return self._jobs(
            select(jobs)
            .where(jobs.c.state.in_(_TERMINAL), jobs.c.expire_time <= now)
            .order_by(jobs.c.expire_time, jobs.c.uid)
            .limit(limit)
        )

    def latest(self) -> Sequence[Job]:
        """See ``JobStore.latest``."""
        return self._jobs(_latest())

    def backlog(self) -> Backlog:
        """See ``JobStore.backlog``."""
        counts = (
            select(jobs.c.state, func.count(), func.min(jobs.c.create_time))
            .where(jobs.c.state.not_in(_TERMINAL))
            .group_by(jobs.c.state)
        )
        with self._reader.begin() as connection:
            found = {JobState(state): rest for state, *rest in connection.execute(counts)}
        return Backlog(
            {state: found[state][0] if state in found else 0 for state in _UNFINISHED},
            found[JobState.PENDING][1] if JobState.PENDING in found else None,
        )

    def generation(self) -> int:
        """See ``JobStore.generation``."""
        with self._reader.begin() as connection:
            value = select(counters.c.value).where(counters.c.name == GENERATION)
            return int(connection.execute(value).scalar_one())

    def secret(self, name: str) -> bytes:
        """See ``JobStore.secret``."""
        return _again(lambda: self._secret(name))

    def _secret(self, name: str) -> bytes:
        with self._writing() as connection:
            known = connection.execute(
                select(secrets.c.value).where(secrets.c.name == name)
            ).scalar_one_or_none()
            if known is not None:
                return bytes(known)
            made = random_secrets.token_bytes(_SECRET_BYTES)
            connection.execute(insert(secrets).values(name=name, value=made))
            return made

    def ping(self) -> None:
        """See ``JobStore.ping``."""
        with self._reader.begin() as connection:
            connection.execute(select(1))

    def _jobs(self, statement: Select[Any]) -> Sequence[Job]:
        with self._reader.begin() as connection:
            rows = connection.execute(statement).mappings().all()
        return [job for row in rows if (job := _readable(row)) is not None]


def _again(action: Callable[[], _T]) -> _T:
    """The outcome of a transaction that looks before it inserts.

    Where somebody else inserted in between, the insert fails and a second look sees theirs.
    """
    try:
        return action()
    except IntegrityError:
        return action()


def _readable(row: RowMapping) -> Job | None:
    """The job of a row; None, and a line in the log, where a later version has written it."""
    try:
        return job_of(row)
    except ValidationError as error:
        _log.warning("job_unreadable", job=row["name"], error=str(error))
        return None


def _named(name: str) -> Select[Any]:
    return select(jobs).where(jobs.c.name == name)


def _row(connection: Connection, statement: Select[Any], name: str) -> RowMapping:
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise not_found(name)
    return row


def _replace(connection: Connection, before: Job, after: Job) -> None:
    values = row_of(after)
    if not after.state.held:
        values |= {"lease_owner": None, "lease_until": None}
    connection.execute(update(jobs).where(jobs.c.uid == before.uid).values(values))
    if after.state is JobState.SUCCEEDED and before.state is not JobState.SUCCEEDED:
        _bump_generation(connection)


def _bump_generation(connection: Connection) -> None:
    connection.execute(
        update(counters).where(counters.c.name == GENERATION).values(value=counters.c.value + 1)
    )


def _claimable(now: datetime, but: Collection[str]) -> Select[Any]:
    free = or_(jobs.c.lease_until.is_(None), jobs.c.lease_until < now)
    return (
        select(jobs)
        .where(or_(jobs.c.state == JobState.PENDING.value, jobs.c.state.in_(_HELD) & free))
        .where(jobs.c.uid.not_in(but))
        .order_by(jobs.c.priority.desc(), jobs.c.create_time, jobs.c.uid)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _latest() -> Select[Any]:
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
