"""What is particular to PostgreSQL: its sessions, its limits, and what is told when it is away."""

import logging
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from interference_service.errors import StoreUnavailable
from interference_service.store.connecting import DatabaseUnavailable, connected
from interference_service.store.database import open_database
from interference_service.store.failures import words
from interference_service.store.sql import SqlJobStore
from interference_service.store.tables import jobs, secrets
from interference_service.store.transactions import Transactions, repeated
from support.jobs import START, FixedClock, job
from support.network_ports import free_port
from support.postgresql import PASSWORD, PostgresServer

LEASE = timedelta(seconds=30)


def store_on(engine: Engine) -> SqlJobStore:
    return SqlJobStore(engine, FixedClock())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("statement_timeout", "10s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("timezone", "UTC"),
        ("application_name", "gradient-interference"),
    ],
)
def test_a_session_has_limits(postgres_engine, name, wanted):
    with postgres_engine.begin() as connection:
        assert connection.execute(text(f"SHOW {name}")).scalar_one() == wanted


def test_options_of_the_url_are_kept(postgres, postgres_database):
    engine = open_database(f"{postgres.url(postgres_database)}?options=-csearch_path%3Dpg_catalog")
    with engine.begin() as connection:
        assert connection.execute(text("SHOW search_path")).scalar_one() == "pg_catalog"
    engine.dispose()


def test_a_database_that_cannot_hold_all_texts_is_refused_with_what_to_do(postgres):
    postgres.run("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(DatabaseUnavailable, match=r"SQL_ASCII, which .* make one with CREATE"):
            connected(open_database(postgres.url("ascii")), patience_seconds=0)
    finally:
        postgres.drop("ascii")


def test_times_are_kept_as_instants(postgres_engine):
    made = job()
    store_on(postgres_engine).create(made, None)
    with postgres_engine.begin() as connection:
        kept = connection.execute(select(jobs.c.create_time)).scalar_one()
        seconds = connection.execute(text("SELECT extract(epoch FROM create_time) FROM jobs"))
        assert float(seconds.scalar_one()) == pytest.approx(START.timestamp(), abs=1e-6)
    assert kept == START


def test_a_password_comes_from_a_file_and_may_change(
    postgres: PostgresServer, postgres_database, tmp_path
):
    file = tmp_path / "password"
    file.write_text("wrong\n")
    bare = f"postgresql://interference@127.0.0.1:{postgres.port}/{postgres_database}"
    engine = open_database(bare, password_file=file)
    store = store_on(engine)
    with pytest.raises(StoreUnavailable):
        store.ping()
    file.write_text(f"{PASSWORD}\n")
    store.ping()
    engine.dispose()
    file.unlink()
    with pytest.raises(StoreUnavailable, match="file with the database's password"):
        store.ping()
    engine.dispose()


def test_what_is_told_of_an_error_has_no_values(postgres_engine):
    twice = insert(secrets), [{"name": "private", "value": b"1"}] * 2
    with pytest.raises(IntegrityError) as raised, postgres_engine.begin() as connection:
        connection.execute(*twice)
    assert "private" in str(raised.value.orig)
    assert "duplicate key" in words(raised.value)
    assert "private" not in words(raised.value)


@pytest.mark.parametrize("place", ["nowhere", "wrong password", "no such database"])
def test_what_is_told_and_logged_has_neither_password_nor_statement(
    postgres: PostgresServer, postgres_database, place, caplog
):
    caplog.set_level(logging.DEBUG)
    url = {
        "nowhere": postgres.url(postgres_database, free_port()),
        "wrong password": postgres.url(postgres_database).replace("horse", "donkey"),
        "no such database": postgres.url("missing"),
    }[place]
    engine = open_database(url)
    with capture_logs() as logs, pytest.raises(StoreUnavailable) as caught:
        store_on(engine).create(job(), None)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(logs)
    for hidden in ("correct-", "horse", "donkey", "battery", "INSERT", "specification", "SELECT"):
        assert hidden not in shown
    assert [each["event"] for each in logs] == ["store_unavailable"]
    assert caught.value.metadata == {}
    engine.dispose()


def test_a_defect_is_not_taken_for_an_outage(postgres_engine, postgres):
    with postgres_engine.begin() as connection:
        connection.execute(text("ALTER TABLE secrets RENAME TO mislaid"))
    try:
        with pytest.raises(Exception, match="secrets") as caught:
            store_on(postgres_engine).secret("tokens")
        assert not isinstance(caught.value, StoreUnavailable)
    finally:
        with postgres_engine.begin() as connection:
            connection.execute(text("ALTER TABLE mislaid RENAME TO secrets"))


def test_a_lock_is_not_waited_for_for_ever(postgres, postgres_database, postgres_engine):
    store, made = store_on(postgres_engine), job()
    store.create(made, None)
    rival = open_database(postgres.url(postgres_database))
    with rival.begin() as connection:
        connection.execute(select(jobs).with_for_update())
        with pytest.raises(StoreUnavailable):
            store.change(made.name, lambda current: current.changed(START))
        # Whoever claims passes it over instead.
        assert store.claim("w", LEASE) is None
        assert store.get(made.name) == made
    rival.dispose()
    assert store.change(made.name, lambda current: current.changed(START)).revision == 2


def test_a_connection_is_not_waited_for_for_ever(postgres, postgres_database, monkeypatch):
    from interference_service.store import postgresql

    monkeypatch.setattr(postgresql, "_POOL_SECONDS", 0.2)
    engine = open_database(postgres.url(postgres_database), connections=2)
    with (
        engine.connect(),
        engine.connect(),
        capture_logs() as logs,
        pytest.raises(StoreUnavailable),
    ):
        store_on(engine).ping()
    assert "limit of size 2" in logs[-1]["error"]
    store_on(engine).ping()
    engine.dispose()


def test_a_primary_that_becomes_a_standby_is_left_for_the_new_one(
    postgres, postgres_database, postgres_engine
):
    store = store_on(postgres_engine)
    store.ping()
    with postgres_engine.begin() as connection:
        before = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        # For this connection alone it is as if the server had lost its role.
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
    made = job()
    assert store.create(made, None) == (made, False)
    with postgres_engine.begin() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != before


def test_rivals_that_lock_each_other_both_get_through(postgres_engine):
    first, second = job("first"), job("second")
    for each in (first, second):
        store_on(postgres_engine).create(each, None)
    transactions, both = Transactions(postgres_engine), threading.Barrier(2, timeout=20)

    def cross(mine: str, other: str) -> int:
        tries = []

        @repeated
        def change() -> None:
            tries.append(mine)
            with transactions.writing() as connection:
                for name in (mine, other):
                    named = update(jobs).where(jobs.c.name == name)
                    connection.execute(named.values(revision=jobs.c.revision + 1))
                    if name == mine and len(tries) == 1:
                        both.wait()

        change()
        return len(tries)

    with ThreadPoolExecutor(2) as pool:
        tries = list(pool.map(cross, (first.name, second.name), (second.name, first.name)))
    assert sorted(tries) == [1, 2]
    assert [store_on(postgres_engine).get(each.name).revision for each in (first, second)] == [3, 3]
