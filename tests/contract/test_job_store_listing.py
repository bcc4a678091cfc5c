"""What every job store must do: list, filter and page."""

from datetime import timedelta, timezone

import pytest

from interference_service.domain.job import (
    JobState,
    Priority,
    Settings,
)
from interference_service.domain.ports import JobStore
from interference_service.domain.query import (
    All,
    Cursor,
    FieldTerm,
    FilterField,
    JobQuery,
    LabelTerm,
    Not,
    Order,
    Relation,
)
from support.jobs import START, job, specification, succeed

LEASE = timedelta(seconds=10)


def name_of(job_id: str) -> str:
    return job(job_id).name


def listed(store: JobStore, **query: object) -> list[str]:
    """Ids of all pages."""
    found: list[str] = []
    after: Cursor | None = None
    while True:
        page = store.list(JobQuery("default", **({"after": after} | query)))
        found += [each.id for each in page.jobs]
        if page.next is None:
            return found
        after = page.next


@pytest.fixture
def populated(store):
    """Five jobs: a succeeded, b and c made at the same time, d and e running and pending."""
    second = timedelta(seconds=1)
    succeed(store, job("a", settings=Settings(labels={"team": "x"})), START + 9 * second)
    store.create(
        job(
            "d",
            now=START + 3 * second,
            spec=specification(monitor="wind"),
            settings=Settings(priority=Priority.HIGH, display_name="Night", labels={"team": "y"}),
        ),
        None,
    )
    store.claim("w", LEASE)
    for name in ("c", "b"):
        settings = Settings(labels={"odd.key-1_x": "", "team": "x"})
        store.create(job(name, now=START + second, settings=settings), None)
        store.change(name_of(name), lambda now: now.to(JobState.CANCELLED, START + 5 * second))
    store.create(job("e", now=START + 4 * second, creator="bob"), None)
    store.create(job("elsewhere", project="other"), None)
    return store


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (Order(), "edcba"),
        (Order(descending=False), "abcde"),
        (Order(FilterField.END_TIME, descending=False), "bcade"),
        (Order(FilterField.END_TIME, descending=True), "edacb"),
    ],
)
def test_pages_join_to_the_whole_list_in_order(populated, order, wanted, limit):
    assert "".join(listed(populated, order=order, limit=limit)) == wanted


def test_a_last_page_that_is_just_full_has_no_next(populated):
    page = populated.list(JobQuery("default", limit=5))
    assert len(page.jobs) == 5
    assert page.next is None


def test_a_project_without_jobs_has_an_empty_page(populated):
    assert populated.list(JobQuery("nobody")).jobs == ()


def field(name: FilterField, relation: str, value: object) -> FieldTerm:
    return FieldTerm(name, Relation(relation), value)


FIVE = START + timedelta(seconds=5)
TEAM_X = LabelTerm("team", Relation.EQUAL, "x")
FILTERS = {
    "state": (field(FilterField.STATE, "=", "CANCELLED"), "bc"),
    "not state": (field(FilterField.STATE, "!=", "CANCELLED"), "ade"),
    "priority": (field(FilterField.PRIORITY, ">", Priority.NORMAL.rank), "d"),
    "priority at most": (field(FilterField.PRIORITY, "<=", Priority.NORMAL.rank), "abce"),
    "made before": (field(FilterField.CREATE_TIME, "<", START + timedelta(seconds=1)), "a"),
    "made until": (field(FilterField.CREATE_TIME, "<=", START + timedelta(seconds=1)), "abc"),
    "ended": (field(FilterField.END_TIME, ">=", FIVE), "abc"),
    "ended at": (field(FilterField.END_TIME, "=", FIVE), "bc"),
    "not ended at": (field(FilterField.END_TIME, "!=", FIVE), "ade"),
    "not ended before": (Not(field(FilterField.END_TIME, "<", FIVE)), "abcde"),
    "creator": (field(FilterField.CREATOR, "=", "bob"), "e"),
    "display name": (field(FilterField.DISPLAY_NAME, "=", "Night"), "d"),
    "monitor": (field(FilterField.MONITOR, "=", "wind"), "d"),
    "label": (TEAM_X, "abc"),
    "other label": (LabelTerm("team", Relation.NOT_EQUAL, "x"), "de"),
    "has label": (LabelTerm("team", Relation.EQUAL, None), "abcd"),
    "lacks label": (LabelTerm("team", Relation.NOT_EQUAL, None), "e"),
    "empty label": (LabelTerm("odd.key-1_x", Relation.EQUAL, ""), "bc"),
    "part of a key": (LabelTerm("odd", Relation.EQUAL, None), ""),
    "hostile key": (LabelTerm("x\"]') OR 1=1 --", Relation.EQUAL, None), ""),
    "not a hostile key": (LabelTerm('"', Relation.NOT_EQUAL, "x"), "abcde"),
    "hostile value": (LabelTerm("team", Relation.EQUAL, "' OR 1=1 --"), ""),
    "all": (All((TEAM_X, field(FilterField.STATE, "=", "SUCCEEDED"))), "a"),
    "not all": (Not(All((TEAM_X, field(FilterField.STATE, "=", "SUCCEEDED")))), "bcde"),
    "nothing asked": (All(), "abcde"),
    "nothing asked, negated": (Not(All()), ""),
}


@pytest.mark.parametrize("case", FILTERS)
def test_a_filter_selects_what_it_says(populated, case):
    term, wanted = FILTERS[case]
    assert "".join(sorted(listed(populated, filter=term))) == wanted


def test_a_time_is_compared_as_an_instant_whatever_its_offset(populated):
    east = START.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert listed(populated, filter=field(FilterField.CREATE_TIME, "=", east)) == ["a"]
