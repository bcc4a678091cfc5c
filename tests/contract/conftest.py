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
def sqlite_store(clock, directory) -> Iterator[JobStore]:
    engine = open_database(f"sqlite:///{directory / 'jobs.sqlite'}")
    try:
        upgrade(engine)
        yield SqlJobStore(engine, clock)
    finally:
        engine.dispose()


@contextmanager
def memory_store(clock, _) -> Iterator[JobStore]:
    yield MemoryJobStore(clock)


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture(params=[sqlite_store, memory_store], ids=["sqlite", "memory"])
def store(request, clock, tmp_path):
    with request.param(clock, tmp_path) as made:
        yield made
