"""Rows that a later version of the service has written, after a rollback."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, select, update

from interference_service.domain.query import JobQuery
from interference_service.store.database import open_database
from interference_service.store.migrations import upgrade
from interference_service.store.sql import SqlJobStore
from interference_service.store.tables import jobs
from support.jobs import FixedClock, job

CHANGED = "projects/default/analysisJobs/b"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> SqlJobStore:
    store = SqlJobStore(engine, FixedClock())
    for job_id in ("a", "b", "c"):
        store.create(job(job_id), None)
    return store


def rewrite(engine: Engine, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the specification of the job in the middle."""
    with engine.begin() as connection:
        where = jobs.c.name == CHANGED
        found = connection.execute(select(jobs.c.specification).where(where)).scalar_one()
        change(found)
        connection.execute(update(jobs).where(where).values(specification=found))


def add_a_field(specification: dict[str, Any]) -> None:
    specification["options"]["later"] = {"deeper": True}


def use_a_later_value(specification: dict[str, Any]) -> None:
    specification["model"]["format"] = "MODEL_FORMAT_LATER"


def test_a_field_of_a_later_version_is_left_out(engine, store):
    before = store.get(CHANGED)
    rewrite(engine, add_a_field)
    assert store.get(CHANGED) == before


def test_a_job_that_cannot_be_read_keeps_no_other_waiting(engine, store):
    rewrite(engine, use_a_later_value)
    claimed = [store.claim("me", timedelta(seconds=9)) for _ in range(3)]
    assert {each.id for each in claimed[:2]} == {"a", "c"}
    assert claimed[2] is None
    with pytest.raises(ValidationError, match="MODEL_FORMAT_LATER"):
        store.get(CHANGED)


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_a_job_that_cannot_be_read_hides_no_other(engine, store, limit):
    rewrite(engine, use_a_later_value)
    seen, cursor = [], None
    while True:
        page = store.list(JobQuery(project="default", limit=limit, after=cursor))
        seen += [each.id for each in page.jobs]
        cursor = page.next
        if cursor is None:
            break
    assert sorted(seen) == ["a", "c"]
