"""One database shared by threads and processes."""

import threading
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from itertools import chain
from multiprocessing import get_context

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from interference_service.domain.job import JobState
from interference_service.errors import StoreUnavailable
from interference_service.store.database import open_database, writing
from interference_service.store.migrations import upgrade
from interference_service.store.sql import SqlJobStore
from support.jobs import START, FixedClock, job, open_and_claim_all


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'jobs.sqlite'}"


@pytest.fixture
def engine(url):
    opened = open_database(url)
    yield opened
    opened.dispose()


@pytest.mark.parametrize(
    ("pragma", "wanted"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30_000)],
)
def test_a_commit_survives_a_crash_and_readers_do_not_wait(engine, pragma, wanted):
    with engine.begin() as connection:
        assert connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == wanted


def test_a_writer_holds_its_lock_from_the_beginning(engine):
    upgrade(engine)
    with writing(engine).begin(), engine.connect() as rival:
        rival.execute(text("PRAGMA busy_timeout = 0"))
        with pytest.raises(OperationalError, match="locked"):
            rival.execute(text("DELETE FROM jobs"))


def test_a_reader_sees_the_store_as_it_was_while_a_writer_is_at_work(engine):
    upgrade(engine)
    store = SqlJobStore(engine, FixedClock())
    made = job()
    store.create(made, None)
    reading, seen = threading.Event(), []

    def read():
        seen.append(store.get(made.name).revision)
        reading.set()

    def change(current):
        threading.Thread(target=read).start()
        assert reading.wait(10)
        return current.changed(START)

    assert store.change(made.name, change).revision == 2
    assert seen == [1]


def test_a_job_is_there_for_who_opens_the_database_next(url):
    first = open_database(url)
    upgrade(first)
    made = job()
    SqlJobStore(first, FixedClock()).create(made, None)
    secret = SqlJobStore(first, FixedClock()).secret("tokens")
    first.dispose()
    second = open_database(url)
    try:
        upgrade(second)
        store = SqlJobStore(second, FixedClock())
        assert store.get(made.name) == made
        assert store.secret("tokens") == secret
    finally:
        second.dispose()


def test_two_stores_on_one_database_never_claim_the_same_job(url, engine):
    upgrade(engine)
    store = SqlJobStore(engine, FixedClock())
    for index in range(50):
        store.create(job(f"job-{index}"), None)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        taken = list(pool.map(open_and_claim_all, [url] * 2, ["one", "two"]))
    assert len(list(chain(*taken))) == 50
    assert set(chain(*taken)) == {f"job-{index}" for index in range(50)}
    assert store.backlog().by_state[JobState.RUNNING] == 50


def test_processes_that_start_together_on_a_new_database_all_come_up(url):
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(open_and_claim_all, [url] * 3, "abc")) == [[], [], []]


def test_a_lost_owner_cannot_write_through_another_store_on_the_same_database(url, engine):
    upgrade(engine)
    rival_engine = open_database(url)
    try:
        clock = FixedClock()
        slow, fast = (SqlJobStore(each, clock) for each in (engine, rival_engine))
        made = job()
        slow.create(made, None)
        slow.claim("slow", timedelta(seconds=1))
        clock.advance(2)
        taken = fast.claim("fast", timedelta(seconds=1))
        assert taken is not None
        assert slow.renew(made.name, "slow", timedelta(seconds=9), None) is None
    finally:
        rival_engine.dispose()


def test_an_unreachable_store_fails_its_ping(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'missing' / 'jobs.sqlite'}")
    with pytest.raises(StoreUnavailable):
        SqlJobStore(engine, FixedClock()).ping()
    engine.dispose()
