"""Jobs in a SQL database."""

import secrets as random_secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Select,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from interference_service.domain.job import Job, JobState, Progress
from interference_service.domain.ports import Backlog, Clock, Idempotency, Mark, admit_all
from interference_service.domain.query import JobPage, JobQuery
from interference_service.store.documents import document
from interference_service.store.leases import LeaseTime, claimed, database_time
from interference_service.store.marks import marks_of
from interference_service.store.monitors import (
    failures_since_success,
    latest_of_monitor,
    latest_of_monitors,
)
from interference_service.store.paging import cursor_after, fitting_rows
from interference_service.store.queue import (
    HELD,
    active_count,
    backlog_of,
    lock_project,
    next_row,
    take_turn,
)
from interference_service.store.refusals import job_exists, lease_lost, not_found
from interference_service.store.requests import answered, remember
from interference_service.store.rows import job_of, readable, readable_job, row_of
from interference_service.store.tables import COUNTED, GENERATION, counters, jobs, secrets
from interference_service.store.transactions import Transactions, repeated

_TERMINAL = tuple(state.value for state in JobState if state.terminal)
_SECRET_BYTES = 32
# Made once, and rows are given as parameters: to build a statement costs more than to run it.
_NAMED = select(jobs).where(jobs.c.name == bindparam("wanted"))


class SqlJobStore:
    """``JobStore`` on an engine whose schema is there; safe to share among threads.

    Replicas share a database, not a clock. Leases are measured by one clock: that of PostgreSQL's
    server, or of the machine that has SQLite's file.
    """

    def __init__(
        self, engine: Engine, clock: Clock, *, lease_time: LeaseTime | None = None
    ) -> None:
        """Use a database.

        Args:
            engine: As ``open_database`` makes it.
            clock: Tells the time.
            lease_time: What leases are measured by, in place of the clock that is shared.
        """
        self._transactions = Transactions(engine)
        self._clock = clock
        shared = database_time if engine.dialect.name == "postgresql" else lambda _: clock.now()
        self._lease_time = lease_time or shared
        self._unreadable: set[str] = set()

    @repeated
    def answered(self, idempotency: Idempotency) -> Job | None:
        """See ``JobStore.answered``."""
        with self._transactions.reading() as connection:
            return answered(connection, idempotency, self._clock.now())

    @repeated
    def create(
        self,
        job: Job,
        idempotency: Idempotency | None,
        admit: Callable[[int], None] = admit_all,
    ) -> tuple[Job, bool]:
        """See ``JobStore.create``."""
        now = self._clock.now()
        with self._transactions.writing() as connection:
            lock_project(connection, job.project)
            earlier = answered(connection, idempotency, now) if idempotency else None
            if earlier is not None:
                return earlier, True
            taken = connection.execute(_named(job.name)).mappings().one_or_none()
            if taken is not None:
                raise job_exists(job_of(taken), job)
            admit(active_count(connection, job.project))
            connection.execute(insert(jobs), row_of(job))
            if idempotency:
                remember(connection, idempotency, job, now)
        return job, False

    @repeated
    def get(self, name: str) -> Job:
        """See ``JobStore.get``."""
        with self._transactions.reading() as connection:
            return job_of(_row(connection, _named(name), name))

    @repeated
    def list(self, query: JobQuery) -> JobPage:
        """See ``JobStore.list``."""
        with self._transactions.reading() as connection:
            fitting, more = fitting_rows(connection, query)
        found = tuple(job for row in fitting if (job := readable_job(row)) is not None)
        if not more:
            return JobPage(found, None)
        last = fitting[-1]
        return JobPage(found, cursor_after(last[query.order.field.value], last["id"]))

    @repeated
    def change(self, name: str, change: Callable[[Job], Job], *, owner: str | None = None) -> Job:
        """See ``JobStore.change``."""
        with self._transactions.writing() as connection:
            row = _row(connection, _named(name).with_for_update(), name)
            before = job_of(row)
            if owner is not None and not (before.state.held and row["lease_owner"] == owner):
                raise lease_lost(name, owner)
            after = change(before)
            if after is not before:
                _replace(connection, before, after)
            return after

    @repeated
    def delete(self, name: str, check: Callable[[Job], None]) -> Job:
        """See ``JobStore.delete``."""
        with self._transactions.writing() as connection:
            job = job_of(_row(connection, _named(name).with_for_update(), name))
            check(job)
            connection.execute(delete(jobs).where(jobs.c.uid == job.uid))
            _bump_generation(connection)
            return job

    @repeated
    def claim(self, owner: str, lease: timedelta) -> Job | None:
        """See ``JobStore.claim``."""
        with self._transactions.writing() as connection:
            now = self._lease_time(connection)
            while True:
                row = next_row(connection, now, self._unreadable)
                if row is None:
                    return None
                found = readable_job(row)
                if found is not None:
                    break
                # It stays for the version that can; those behind it must not wait.
                self._unreadable.add(row["uid"])
            job = claimed(found, now)
            values = row_of(job) | {"lease_owner": owner, "lease_until": now + lease}
            connection.execute(update(jobs).where(jobs.c.uid == job.uid), values)
            take_turn(connection, job.project, now)
            return job

    @repeated
    def renew(
        self, name: str, owner: str, lease: timedelta, progress: Progress | None
    ) -> JobState | None:
        """See ``JobStore.renew``."""
        values = {} if progress is None else {"progress": document(progress)}
        held = jobs.c.lease_owner == owner, jobs.c.state.in_(HELD)
        with self._transactions.writing() as connection:
            values["lease_until"] = self._lease_time(connection) + lease
            state = connection.execute(
                update(jobs)
                .where(jobs.c.name == name, *held)
                .values(values)
                .returning(jobs.c.state)
            ).scalar_one_or_none()
        return None if state is None else JobState(state)

    @repeated
    def marks(self, names: Collection[str]) -> Mapping[str, Mark]:
        """See ``JobStore.marks``."""
        with self._transactions.reading() as connection:
            return marks_of(connection, names)

    def expired(self, now: datetime, limit: int) -> Sequence[Job]:
        """See ``JobStore.expired``."""
        return self._jobs(
            select(jobs)
            .where(jobs.c.state.in_(_TERMINAL), jobs.c.expire_time <= now)
            .order_by(jobs.c.expire_time, jobs.c.uid)
            .limit(limit)
        )

    @repeated
    def attempts(self, uids: Collection[str]) -> Mapping[str, int]:
        """See ``JobStore.attempts``."""
        wanted = select(jobs.c.uid, jobs.c.attempt).where(jobs.c.uid.in_(uids))
        with self._transactions.reading() as connection:
            return {row.uid: row.attempt for row in connection.execute(wanted)}

    @repeated
    def latest(self, known: Collection[Job] = ()) -> Sequence[Job]:
        """See ``JobStore.latest``."""
        with self._transactions.reading() as connection:
            return latest_of_monitors(connection, known)

    def latest_of(self, project: str, monitor: str) -> Job | None:
        """See ``JobStore.latest_of``."""
        return next(iter(self._jobs(latest_of_monitor(project, monitor))), None)

    @repeated
    def failures(self) -> Mapping[tuple[str, str], int]:
        """See ``JobStore.failures``."""
        with self._transactions.reading() as connection:
            rows = connection.execute(failures_since_success()).all()
        return {(row.project, row.monitor): row.failures for row in rows}

    @repeated
    def backlog(self) -> Backlog:
        """See ``JobStore.backlog``."""
        with self._transactions.reading() as connection:
            return backlog_of(connection)

    @repeated
    def generation(self) -> int:
        """See ``JobStore.generation``."""
        with self._transactions.reading() as connection:
            value = select(counters.c.value).where(counters.c.name == GENERATION)
            return int(connection.execute(value).scalar_one())

    @repeated
    def secret(self, name: str) -> bytes:
        """See ``JobStore.secret``."""
        with self._transactions.writing() as connection:
            known = connection.execute(
                select(secrets.c.value).where(secrets.c.name == name)
            ).scalar_one_or_none()
            if known is not None:
                return bytes(known)
            made = random_secrets.token_bytes(_SECRET_BYTES)
            connection.execute(insert(secrets).values(name=name, value=made))
            return made

    @repeated
    def ping(self) -> None:
        """See ``JobStore.ping``."""
        # Of a table: SQLite answers what needs none without a look at its file.
        with self._transactions.reading() as connection:
            connection.execute(select(counters.c.name).limit(1)).first()

    @repeated
    def _jobs(self, statement: Select[Any]) -> Sequence[Job]:
        with self._transactions.reading() as connection:
            rows = connection.execute(statement).mappings().all()
        return readable(rows)


def _named(name: str) -> Select[Any]:
    return _NAMED.params(wanted=name)


def _row(connection: Connection, statement: Select[Any], name: str) -> RowMapping:
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise not_found(name)
    return row


def _replace(connection: Connection, before: Job, after: Job) -> None:
    values = row_of(after)
    if not after.state.held:
        values |= {"lease_owner": None, "lease_until": None}
    connection.execute(update(jobs).where(jobs.c.uid == before.uid), values)
    if after.state is not before.state and after.state in COUNTED:
        _bump_generation(connection)


def _bump_generation(connection: Connection) -> None:
    connection.execute(
        update(counters).where(counters.c.name == GENERATION).values(value=counters.c.value + 1)
    )
