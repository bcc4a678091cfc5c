"""Two replicas on one PostgreSQL: their clocks differ, their connections end, no job runs twice."""

import itertools
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import pytest
from psycopg import OperationalError
from sqlalchemy import Engine

from interference_service.domain.job import Job, JobState
from interference_service.domain.ports import Idempotency
from interference_service.errors import LeaseLost, StoreUnavailable
from interference_service.store.database import open_database
from interference_service.store.migrations import upgrade
from interference_service.store.sql import SqlJobStore
from support.jobs import START, FixedClock, job
from support.postgresql import PostgresServer
from support.waiting import eventually

T = TypeVar("T")
LEASE = timedelta(minutes=10)
SHORT = timedelta(seconds=2)
DAY = timedelta(days=1)


@pytest.fixture
def other_engine(postgres, postgres_database) -> Iterator[Engine]:
    engine = open_database(postgres.url(postgres_database))
    yield engine
    engine.dispose()


def names(count: int) -> list[str]:
    return [f"job-{index}" for index in range(count)]


@pytest.mark.parametrize("ahead", [DAY, -DAY], ids=["ahead", "behind"])
def test_a_replica_whose_clock_is_wrong_neither_takes_a_job_nor_loses_one(
    postgres_engine, other_engine, ahead
):
    right = SqlJobStore(postgres_engine, FixedClock(datetime.now(UTC)))
    wrong = SqlJobStore(other_engine, FixedClock(datetime.now(UTC) + ahead))
    made = job()
    right.create(made, None)
    for holder, rival in ((right, wrong), (wrong, right)):
        taken = holder.claim("holder", LEASE)
        assert taken is not None
        assert rival.claim("rival", LEASE) is None
        assert holder.renew(made.name, "holder", LEASE, None) is JobState.RUNNING
        assert rival.claim("rival", LEASE) is None
        holder.change(made.name, lambda now: now.to(JobState.PENDING, START), owner="holder")


@pytest.mark.parametrize("ahead", [DAY, -DAY], ids=["ahead", "behind"])
def test_the_job_of_a_dead_replica_moves_on_whatever_its_clock_said(
    postgres_engine, other_engine, ahead
):
    dead = SqlJobStore(postgres_engine, FixedClock(datetime.now(UTC) + ahead))
    alive = SqlJobStore(other_engine, FixedClock(datetime.now(UTC)))
    made = job()
    dead.create(made, None)
    dead.claim("dead", timedelta(seconds=0.2))
    taken = eventually(lambda: alive.claim("alive", LEASE), within_seconds=20)
    assert (taken.id, taken.attempt) == (made.id, 2)
    assert dead.renew(made.name, "dead", LEASE, None) is None
    with pytest.raises(LeaseLost):
        dead.change(made.name, lambda now: now.to(JobState.SUCCEEDED, START), owner="dead")


def test_many_claim_and_each_job_is_claimed_once(postgres_engine, other_engine):
    stores = [SqlJobStore(each, FixedClock()) for each in (postgres_engine, other_engine)]
    for name in names(60):
        stores[0].create(job(name), None)

    def take_all(index: int) -> list[str]:
        claim = partial(stores[index % 2].claim, f"owner-{index}", LEASE)
        return [each.id for each in iter(claim, None)]

    with ThreadPoolExecutor(8) as pool:
        taken = [each for some in pool.map(take_all, range(8)) for each in some]
    assert Counter(taken) == Counter(names(60))


def test_one_request_to_two_replicas_makes_one_job(postgres_engine, other_engine):
    stores = [SqlJobStore(each, FixedClock()) for each in (postgres_engine, other_engine)]
    start = threading.Barrier(8, timeout=20)

    def ask(index: int) -> tuple[str, bool]:
        start.wait()
        made, replayed = stores[index % 2].create(
            job(f"job-{uuid.uuid4().hex}"), Idempotency("alice", "r1", "d1")
        )
        return made.uid, replayed

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len({uid for uid, _ in answers}) == 1
    assert [replayed for _, replayed in answers].count(False) == 1
    assert stores[0].backlog().by_state[JobState.PENDING] == 1


def test_two_replicas_make_one_secret(postgres_engine, other_engine):
    stores = [SqlJobStore(each, FixedClock()) for each in (postgres_engine, other_engine)]
    start = threading.Barrier(8, timeout=20)

    def ask(index: int) -> bytes:
        start.wait()
        return stores[index % 2].secret("tokens")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1


def test_replicas_that_start_together_migrate_once(postgres):
    name = f"fresh_{uuid.uuid4().hex}"
    url = postgres.create(name)
    start = threading.Barrier(4, timeout=20)

    def begin(_: int) -> int:
        engine = open_database(url)
        start.wait()
        try:
            upgrade(engine)
            return SqlJobStore(engine, FixedClock()).generation()
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(begin, range(4))) == [0, 0, 0, 0]
    postgres.drop(name)


class Replica:
    """Makes and runs jobs over a network on which every fifth success is the end of all calls."""

    def __init__(self, store: SqlJobStore, cut: Callable[[], object], seed: int) -> None:
        self._store = store
        self._cut = cut
        self._random = random.Random(seed)
        self.stop = threading.Event()
        self.ended: list[str] = []

    def submit(self, job_id: str) -> None:
        wanted, request = job(job_id), Idempotency("alice", job_id, "digest")
        self._until_it_succeeds(lambda: self._store.create(wanted, request))

    def work(self) -> None:
        while not self.stop.is_set():
            owner = uuid.uuid4().hex
            taken = self._until_it_succeeds(partial(self._store.claim, owner, SHORT))
            if taken is not None:
                self._end(taken, owner)
            self.stop.wait(0.01)

    def _end(self, taken: Job, owner: str) -> None:
        def succeed(current: Job) -> Job:
            return current.to(JobState.SUCCEEDED, START)

        # Lost where it took so long that another had the job, or where the end was written by a
        # call that could not be told so.
        with suppress(LeaseLost):
            self._until_it_succeeds(lambda: self._store.change(taken.name, succeed, owner=owner))
            self.ended.append(taken.id)

    def _until_it_succeeds(self, action: Callable[[], T]) -> T | None:
        while not self.stop.is_set():
            with suppress(StoreUnavailable):
                outcome = action()
                if self._random.random() < 0.2:
                    self._cut()
                return outcome
        return None


def test_jobs_whose_connections_are_cut_all_the_time_end_once_each(
    postgres, postgres_database, postgres_engine, other_engine
):
    replicas = [
        Replica(
            SqlJobStore(engine, FixedClock()),
            partial(postgres.kill_connections, postgres_database),
            seed,
        )
        for seed, engine in enumerate((postgres_engine, other_engine) * 2)
    ]
    with ThreadPoolExecutor(8) as pool:
        try:
            working = [pool.submit(each.work) for each in replicas]
            makers = itertools.cycle(replicas)
            submitting = [pool.submit(next(makers).submit, name) for name in names(40)]
            for each in submitting:
                each.result(60)
            eventually(lambda: _all_succeeded(postgres, postgres_database, 40))
        finally:
            for each in replicas:
                each.stop.set()
        for each in working:
            each.result(60)
    ends = Counter(itertools.chain(*(each.ended for each in replicas)))
    assert set(ends) <= set(names(40))
    assert set(ends.values()) == {1}
    # A revision for every claim and one for the end; each end counted once.
    counted = "SELECT count(*), count(*) FILTER (WHERE revision = attempt + 2) FROM jobs"
    assert postgres.run(counted, database=postgres_database) == [(40, 40)]
    assert SqlJobStore(postgres_engine, FixedClock()).generation() == 40


def _all_succeeded(postgres: PostgresServer, database: str, count: int) -> bool:
    with suppress(OperationalError):  # the question's own connection is cut like any other
        found = postgres.run("SELECT state, count(*) FROM jobs GROUP BY state", database=database)
        return found == [("SUCCEEDED", count)]
    return False
