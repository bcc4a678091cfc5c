"""Whatever is done to a job store, it answers as the one in memory does."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, delete, update

from interference_service.domain.job import Job, JobState, Priority, Progress, Settings, Stage
from interference_service.domain.ports import Idempotency, JobStore
from interference_service.domain.query import FilterField, JobQuery, LabelTerm, Order, Relation
from interference_service.errors import ServiceError, WrongState
from interference_service.store.database import open_database
from interference_service.store.memory import MemoryJobStore
from interference_service.store.migrations import upgrade
from interference_service.store.sql import SqlJobStore
from interference_service.store.tables import counters, jobs, request_ids
from support.jobs import FixedClock, job, specification

LEASE = timedelta(seconds=10)
IDS = st.sampled_from("abc")
OWNERS = st.sampled_from(["v", "w"])
REQUESTS = st.none() | st.builds(
    Idempotency, st.just("alice"), st.sampled_from("12"), st.sampled_from("xy")
)
SETTINGS = st.builds(
    Settings,
    priority=st.sampled_from(Priority),
    labels=st.dictionaries(st.just("team"), st.sampled_from("xy")),
)


def name_of(job_id: str) -> str:
    return job(job_id).name


class Model(RuleBasedStateMachine):
    """Does the same to every store, and compares."""

    def __init__(self, stores: Mapping[str, JobStore], clock: FixedClock) -> None:
        super().__init__()
        self._stores = stores
        self._clock = clock
        self._made = 0

    def same(self, action: Callable[[JobStore], Any]) -> Any:
        """What the action brings, which is the same for every store."""
        outcomes = {name: _outcome(action, store) for name, store in self._stores.items()}
        first = outcomes["memory"]
        assert all(each == first for each in outcomes.values()), outcomes
        return first

    @rule(job_id=IDS, given=SETTINGS, request=REQUESTS, monitor=st.sampled_from(["", "solar"]))
    def create(self, job_id, given, request, monitor):
        self._made += 1
        made = job(
            job_id,
            uid=str(uuid.UUID(int=self._made)),
            now=self._clock.now(),
            settings=given,
            spec=specification(monitor=monitor),
        )
        self.same(lambda store: store.create(made, request))

    @rule(owner=OWNERS)
    def claim(self, owner):
        self.same(lambda store: store.claim(owner, LEASE))

    @rule(job_id=IDS, owner=OWNERS, units=st.none() | st.integers(0, 9))
    def renew(self, job_id, owner, units):
        told = None
        if units is not None:
            told = Progress(stage=Stage.SCAN, completed_units=units, update_time=self._clock.now())
        self.same(lambda store: store.renew(name_of(job_id), owner, LEASE, told))

    @rule(job_id=IDS, owner=st.none() | OWNERS, state=st.sampled_from(JobState))
    def change(self, job_id, owner, state):
        now = self._clock.now()

        def move(current: Job) -> Job:
            return current.to(state, now, expire_time=now + 2 * LEASE)

        self.same(lambda store: store.change(name_of(job_id), move, owner=owner))

    @rule(job_id=IDS)
    def remove(self, job_id):
        def check(current: Job) -> None:
            if not current.state.terminal:
                raise WrongState("it is not finished", metadata={"state": current.state.value})

        self.same(lambda store: store.delete(name_of(job_id), check))

    @rule(seconds=st.sampled_from([0.000001, 5.0, 10.0]))
    def wait(self, seconds):
        self._clock.advance(seconds)

    @rule(
        limit=st.integers(1, 3),
        field=st.sampled_from([FilterField.CREATE_TIME, FilterField.END_TIME]),
        descending=st.booleans(),
        relation=st.sampled_from([Relation.EQUAL, Relation.NOT_EQUAL]),
    )
    def page_through(self, limit, field, descending, relation):
        query = JobQuery(
            "default",
            filter=LabelTerm("team", relation, "x"),
            order=Order(field, descending=descending),
            limit=limit,
        )
        while True:
            page = self.same(partial(_listed, query=query))
            if page.next is None:
                return
            query = JobQuery("default", query.filter, query.order, limit, page.next)

    @rule()
    def look(self):
        self.same(lambda store: [_outcome(partial(_got, job_id=each), store) for each in "abc"])
        self.same(lambda store: (store.backlog(), store.generation(), store.latest()))
        self.same(lambda store: (store.failures(), store.latest_of("default", "solar")))
        self.same(lambda store: store.expired(self._clock.now(), 2))

    def teardown(self):
        self.look()


def _got(store: JobStore, job_id: str) -> Job:
    return store.get(name_of(job_id))


def _listed(store: JobStore, query: JobQuery) -> Any:
    return store.list(query)


def _outcome(action: Callable[[JobStore], Any], store: JobStore) -> Any:
    try:
        return action(store)
    except ServiceError as error:
        return type(error), error.message, error.metadata


@contextmanager
def _migrated(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()


def _emptied(engine: Engine, clock: FixedClock) -> SqlJobStore:
    with engine.begin() as connection:
        for table in (jobs, request_ids):
            connection.execute(delete(table))
        connection.execute(update(counters).values(value=0))
    return SqlJobStore(engine, clock, lease_time=lambda _: clock.now())


@pytest.mark.timeout(600)
def test_every_store_answers_as_the_one_in_memory_does(postgres, postgres_database, tmp_path):
    urls = {
        "sqlite": f"sqlite:///{tmp_path / 'jobs.sqlite'}",
        "postgresql": postgres.url(postgres_database),
    }
    with ExitStack() as opened:
        engines = {name: opened.enter_context(_migrated(url)) for name, url in urls.items()}

        def made() -> Model:
            clock = FixedClock()
            stores = {name: _emptied(engine, clock) for name, engine in engines.items()}
            return Model({"memory": MemoryJobStore(clock)} | stores, clock)

        # To make a failure small would take minutes.
        thorough = settings(max_examples=25, stateful_step_count=40, phases=[Phase.generate])
        run_state_machine_as_test(made, settings=thorough)
