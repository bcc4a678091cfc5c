"""Pages of jobs whose specifications are large."""

import pytest

from interference_service.domain.query import JobQuery
from interference_service.store.database import open_database
from interference_service.store.migrations import upgrade
from interference_service.store.paging import MAX_CHARACTERS
from interference_service.store.sql import SqlJobStore
from support.jobs import FixedClock, job, specification

LARGE = MAX_CHARACTERS // 3


@pytest.fixture
def store(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(engine)
    yield SqlJobStore(engine, FixedClock())
    engine.dispose()


def make(store: SqlJobStore, job_id: str, characters: int) -> None:
    names = tuple(f"{index:05}{'x' * 115}" for index in range(characters // 120))
    plain = specification()
    data = plain.data.model_copy(update={"class_names": names})
    store.create(job(job_id, spec=plain.model_copy(update={"data": data})), None)


def pages(store: SqlJobStore) -> list[str]:
    """The ids of every page, joined."""
    query, found = JobQuery("default"), []
    while True:
        page = store.list(query)
        found.append("".join(each.id for each in page.jobs))
        if page.next is None:
            return found
        query = JobQuery("default", after=page.next)


def test_a_page_ends_before_it_is_too_large_and_the_next_goes_on(store):
    for job_id in "abcdefg":
        make(store, job_id, LARGE)
    assert pages(store) == ["gf", "ed", "cb", "a"]


def test_a_job_that_is_too_large_for_a_page_has_one_for_itself(store):
    for job_id, characters in (("a", 100), ("b", 1_200_000), ("c", 100)):
        make(store, job_id, characters)
    assert pages(store) == ["c", "b", "a"]


def test_a_page_that_fits_is_one(store):
    for job_id in "abc":
        make(store, job_id, 100)
    assert pages(store) == ["cba"]
