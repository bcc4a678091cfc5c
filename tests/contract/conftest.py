"""Every implementation of a store."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from interference_service.domain.ports import JobStore
from interference_service.store.database import open_database
from interference_service.store.memory import MemoryJobStore
from interference_service.store.migrations import upgrade
from interference_service.store.sql import SqlJobStore
from support.jobs import FixedClock


@contextmanager
def sql_store(url, clock) -> Iterator[JobStore]:
    engine = open_database(url)
    try:
        upgrade(engine)
        # The tests' clock in place of the server's, so that leases end when a test wants it.
        yield SqlJobStore(engine, clock, lease_time=lambda _: clock.now())
    finally:
        engine.dispose()


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def store(request, clock, tmp_path):
    if request.param == "memory":
        yield MemoryJobStore(clock)
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    else:
        database = request.getfixturevalue("postgres_database")
        url = request.getfixturevalue("postgres").url(database)
    with sql_store(url, clock) as made:
        yield made
