"""What the tables promise besides their shape."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from interference_service.domain.job import JobState
from interference_service.domain.query import FieldTerm, FilterField, JobQuery, LabelTerm, Relation
from interference_service.store.paging import page_statement
from interference_service.store.queue import locked
from interference_service.store.tables import METADATA, UtcDateTime

MOMENTS = st.integers(0, 2**52).map(
    lambda microseconds: datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
)


def test_every_column_says_what_it_is():
    undocumented = [
        str(column)
        for table in METADATA.tables.values()
        for column in table.columns
        if not column.doc
    ]
    assert undocumented == []


@given(MOMENTS, MOMENTS, st.integers(-12, 14))
def test_stored_times_compare_as_the_times_do(one, other, hours):
    dialect = sqlite.dialect()
    bind = UtcDateTime().bind_processor(dialect)
    assert bind is not None
    moved = one.astimezone(timezone(timedelta(hours=hours)))
    assert bind(moved) == bind(one)
    assert (bind(moved) < bind(other)) == (one < other)


@given(MOMENTS)
def test_a_time_comes_back_as_it_went_in(moment):
    dialect = sqlite.dialect()
    kind = UtcDateTime()
    bind, result = kind.bind_processor(dialect), kind.result_processor(dialect, None)
    assert bind is not None
    assert result is not None
    assert result(bind(moment)) == moment
    assert result(bind(moment)).tzinfo is UTC


def test_a_time_without_an_offset_is_refused():
    with pytest.raises(ValueError, match="no offset"):
        UtcDateTime().process_bind_param(datetime.now(UTC).replace(tzinfo=None), sqlite.dialect())


def compiled(statement) -> str:
    return str(statement.compile(dialect=postgresql.dialect()))


def test_on_postgresql_rival_workers_pass_over_a_job_that_is_being_claimed():
    assert "FOR UPDATE SKIP LOCKED" in compiled(locked("uid", datetime.now(UTC)))


def test_on_postgresql_filters_and_pages_are_plain_sql():
    term = LabelTerm("a.b", Relation.NOT_EQUAL, "x")
    text = compiled(page_statement(JobQuery("p", filter=term)))
    assert "coalesce" in text
    assert "NULLS FIRST" in text
    state = FieldTerm(FilterField.STATE, Relation.EQUAL, JobState.FAILED.value)
    assert "jobs.state =" in compiled(page_statement(JobQuery("p", filter=state)))
