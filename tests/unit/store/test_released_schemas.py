"""Databases that earlier versions left behind are taken up by this one."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from interference_service.domain.job import Job, JobState
from interference_service.domain.query import JobQuery, LabelTerm, Relation
from interference_service.store.database import open_database
from interference_service.store.migrations import schema_versions, upgrade
from interference_service.store.sql import SqlJobStore
from interference_service.store.tables import METADATA
from support.jobs import FixedClock, job
from support.released_schemas import REVISIONS, jobs_of, restore_postgresql, restore_sqlite
from support.schema_filling import REQUEST

LEASE = timedelta(minutes=1)


@pytest.fixture(params=REVISIONS)
def revision(request) -> str:
    return request.param


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, revision: str, tmp_path: Path) -> Iterator[Engine]:
    """A database that was left at a revision, and migrated since."""
    if request.param == "sqlite":
        restore_sqlite(revision, tmp_path / "jobs.sqlite")
        opened = open_database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
        upgrade(opened)
        yield opened
        opened.dispose()
        return
    server, name = request.getfixturevalue("postgres"), f"left_{uuid.uuid4().hex}"
    url = server.create(name)
    restore_postgresql(revision, url)
    opened = open_database(url)
    upgrade(opened)
    yield opened
    opened.dispose()
    server.drop(name)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def store(engine: Engine, clock: FixedClock) -> SqlJobStore:
    return SqlJobStore(engine, clock, lease_time=lambda _: clock.now())


def assert_holds(found: Any, kept: Any, path: str = "job") -> None:
    """All that was kept is found; what later versions added may be more."""
    if isinstance(kept, dict):
        for key, value in kept.items():
            assert_holds(found[key], value, f"{path}.{key}")
    elif isinstance(kept, list):
        assert len(found) == len(kept), path
        for index, value in enumerate(kept):
            assert_holds(found[index], value, f"{path}[{index}]")
    elif kept != kept:  # a number that is undetermined
        assert found != found, path
    else:
        assert found == kept, path


def test_all_schemas_but_the_newest_were_kept(tmp_path):
    opened = open_database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    versions = schema_versions(opened)
    opened.dispose()
    assert versions.known - {versions.newest} <= set(REVISIONS) <= versions.known


def test_it_has_the_schema_of_the_tables(engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_every_job_is_there_as_it_was(store, revision):
    listed = {each.id: each for each in store.list(JobQuery("default")).jobs}
    kept = jobs_of(revision)
    assert {each["id"] for each in kept} == set(listed)
    for each in kept:
        assert_holds(listed[each["id"]].model_dump(mode="json"), each)
    states = {each["state"] for each in kept}
    assert states == {state.value for state in JobState}


def test_its_jobs_go_on(store, clock, revision):
    clock.advance(3600)
    taken = [each for _ in range(4) if (each := store.claim("w", LEASE)) is not None]
    assert {each.id: (each.state, each.attempt) for each in taken} == {
        "running": (JobState.RUNNING, 2),
        "cancelling": (JobState.CANCELLING, 2),
        "pending": (JobState.RUNNING, 1),
    }
    ended = store.change(
        "projects/default/analysisJobs/running",
        lambda current: current.to(JobState.SUCCEEDED, clock.now()),
        owner="w",
    )
    assert store.latest() == [ended]


def test_a_request_that_it_answered_is_answered_by_the_same_job(store):
    made, replayed = store.create(job("another"), REQUEST)
    assert (made.id, replayed) == ("running", True)


def test_labels_and_secrets_are_found(store, engine):
    term = LabelTerm("team", Relation.EQUAL, "x")
    assert len(store.list(JobQuery("default", filter=term)).jobs) == len(JobState)
    assert store.secret("tokens") == SqlJobStore(engine, FixedClock()).secret("tokens")


def test_a_finished_job_can_be_removed(store):
    removed: list[Job] = []
    store.delete("projects/default/analysisJobs/succeeded", removed.append)
    assert [each.id for each in removed] == ["succeeded"]
    assert store.latest() == []
