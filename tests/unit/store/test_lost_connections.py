"""A connection that is lost at any moment loses no job and doubles none."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text, true

from interference_service.domain.job import Job, JobState
from interference_service.domain.ports import Idempotency
from interference_service.domain.query import JobQuery
from interference_service.errors import NotFound, StoreUnavailable
from interference_service.store import transactions
from interference_service.store.bounded import BoundedConnection
from interference_service.store.sql import SqlJobStore
from support.jobs import START, FixedClock, job
from support.proxy import Fault, Proxy

LEASE = timedelta(minutes=10)
NAME = job("nightly").name


@pytest.fixture
def near(postgres_engine: Engine) -> SqlJobStore:
    """The store as it really is."""
    return SqlJobStore(postgres_engine, FixedClock())


@pytest.fixture
def far(far_engine: Engine) -> SqlJobStore:
    """The store by way of the network, with a connection that is open already."""
    store = SqlJobStore(far_engine, FixedClock())
    store.ping()
    return store


def created(far: SqlJobStore, near: SqlJobStore) -> None:
    made = job("nightly")
    assert far.create(made, None) == (made, False)
    assert near.get(NAME) == made


def created_on_request(far: SqlJobStore, near: SqlJobStore) -> None:
    idempotency = Idempotency("alice", "r1", "d1")
    made = job("nightly")
    assert far.create(made, idempotency) == (made, False)
    assert far.create(job("again"), idempotency) == (made, True)
    assert [each.id for each in near.list(JobQuery("default")).jobs] == ["nightly"]


def claimed(far: SqlJobStore, near: SqlJobStore) -> None:
    near.create(job("nightly"), None)
    near.create(job("next", now=START + timedelta(seconds=1)), None)
    taken = far.claim("w", LEASE)
    assert taken is not None
    assert (taken.id, taken.attempt, taken.state) == ("nightly", 1, JobState.RUNNING)
    assert near.get(NAME) == taken
    assert near.renew(NAME, "w", LEASE, None) is JobState.RUNNING
    assert near.backlog().by_state[JobState.PENDING] == 1


def renewed(far: SqlJobStore, near: SqlJobStore) -> None:
    near.create(job("nightly"), None)
    near.claim("w", timedelta(microseconds=1))
    assert far.renew(NAME, "w", LEASE, None) is JobState.RUNNING
    assert near.claim("v", LEASE) is None


def finished(far: SqlJobStore, near: SqlJobStore) -> None:
    near.create(job("nightly"), None)
    near.claim("w", LEASE)
    before = near.generation()
    done = far.change(NAME, lambda current: current.to(JobState.SUCCEEDED, START), owner="w")
    assert near.get(NAME) == done
    assert (done.state, done.revision) == (JobState.SUCCEEDED, 3)
    assert near.generation() == before + 1


def deleted(far: SqlJobStore, near: SqlJobStore) -> None:
    made = job("nightly")
    near.create(made, None)
    assert far.delete(NAME, lambda _: None) == made
    with pytest.raises(NotFound):
        near.get(NAME)


def made_a_secret(far: SqlJobStore, near: SqlJobStore) -> None:
    assert far.secret("tokens") == near.secret("tokens")


USES = [created, created_on_request, claimed, renewed, finished, deleted, made_a_secret]


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNANSWERED])
@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
def test_a_commit_whose_answer_is_lost_has_its_effect_once(far, near, network, use, fault):
    network.fail_at(b"COMMIT", fault)
    use(far, near)
    assert network.failed


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNANSWERED])
@pytest.mark.parametrize(
    ("use", "statement"),
    [
        (created, b"INSERT INTO jobs"),
        (created_on_request, b"INSERT INTO request_ids"),
        (claimed, b"UPDATE jobs"),
        (renewed, b"UPDATE jobs"),
        (finished, b"UPDATE counters"),
        (deleted, b"DELETE FROM jobs"),
        (made_a_secret, b"INSERT INTO secrets"),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_a_transaction_that_is_cut_in_the_middle_is_done_again(
    far, near, network, use, statement, fault
):
    network.fail_at(statement, fault)
    use(far, near)
    assert network.failed


@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
def test_connections_that_an_administrator_ends_are_replaced(
    far, near, postgres, postgres_database, use
):
    near.ping()
    assert postgres.kill_connections(postgres_database) >= 2
    use(far, near)


def test_a_connection_that_ends_within_a_change_costs_nothing(
    far, near, postgres, postgres_database
):
    near.create(job("nightly"), None)
    calls: list[Job] = []

    def change(current: Job) -> Job:
        calls.append(current)
        if len(calls) == 1:
            postgres.kill_connections(postgres_database)
        return current.changed(START)

    assert far.change(NAME, change).revision == 2
    assert len(calls) == 2
    assert near.get(NAME).revision == 2


def test_connections_that_end_again_and_again_are_an_outage(far, near, postgres, postgres_database):
    near.create(job("nightly"), None)

    def change(current: Job) -> Job:
        postgres.kill_connections(postgres_database)
        return current.changed(START)

    with pytest.raises(StoreUnavailable):
        far.change(NAME, change)
    assert near.get(NAME).revision == 1


def test_a_commit_of_which_nobody_can_be_asked_is_unknown_and_may_be_repeated(
    far, near, network: Proxy
):
    made, idempotency = job("nightly"), Idempotency("alice", "r1", "d1")
    network.fail_at(b"COMMIT", Fault.UNANSWERED)
    network.cut(1000, open_ones=False)
    with pytest.raises(StoreUnavailable):
        far.create(made, idempotency)
    assert near.get(NAME) == made
    network.cut(0)
    # What a caller does that was told to try again.
    assert far.create(job("another"), idempotency) == (made, True)


def begun(asked: transactions.Transactions, connection: Connection) -> Any:
    """The number of a transaction that has written."""
    connection.execute(text("SELECT pg_current_xact_id()"))
    return asked._number(connection)


def test_a_transaction_that_the_server_still_works_on_is_not_taken_for_undone(
    postgres_engine, monkeypatch
):
    monkeypatch.setattr(transactions, "_SETTLING_SECONDS", 0.2)
    asked = transactions.Transactions(postgres_engine)
    with postgres_engine.begin() as connection:
        number = begun(asked, connection)
        with pytest.raises(StoreUnavailable, match="not known yet"):
            asked._committed(number)
    assert asked._committed(number)


def test_a_transaction_that_a_new_primary_never_heard_of_is_undone(postgres_engine, monkeypatch):
    monkeypatch.setattr(transactions, "_SETTLING_SECONDS", 0.2)
    asked = transactions.Transactions(postgres_engine)
    with postgres_engine.begin() as connection:
        number = begun(asked, connection)
    ahead = number._replace(transaction=str(int(number.transaction) + 1_000_000))
    assert asked._committed(ahead) is False
    # A standby that has not heard of it may yet.
    standby = transactions._SERVER.with_only_columns(transactions._STARTED, true())
    monkeypatch.setattr(transactions, "_SERVER", standby)
    with pytest.raises(StoreUnavailable, match="not known yet"):
        asked._committed(ahead)


def test_a_number_that_another_server_has_given_out_says_nothing(postgres_engine):
    asked = transactions.Transactions(postgres_engine)
    with postgres_engine.begin() as connection:
        number = begun(asked, connection)
    with pytest.raises(StoreUnavailable, match="not known yet"):
        asked._committed(number._replace(server="before the failover"))


def bounded(action: Callable[[], object]) -> float:
    """Seconds until it gives up."""
    begin = time.monotonic()
    with pytest.raises(StoreUnavailable):
        action()
    return time.monotonic() - begin


def test_a_network_that_swallows_everything_is_not_waited_for_for_ever(
    far, near, network: Proxy, monkeypatch
):
    monkeypatch.setattr(BoundedConnection, "answer_seconds", 0.5)
    monkeypatch.setattr(transactions, "_PATIENCE_SECONDS", 0.5)
    network.fail_at(b"SELECT jobs.uid", Fault.SILENT)
    assert bounded(lambda: far.get(NAME)) < 20


def test_an_outage_ends_without_help(far, near, network: Proxy):
    near.create(job("nightly"), None)
    network.cut(1000)
    with pytest.raises(StoreUnavailable):
        far.get(NAME)
    network.cut(0)
    assert far.get(NAME) == near.get(NAME)
