"""Filters and orders of a listing."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from interference_service.domain.query import (
    All,
    FieldTerm,
    FilterField,
    LabelTerm,
    Not,
    Order,
    Relation,
)
from interference_service.errors import InvalidRequest
from interference_service.jobs.filtering import parse_filter, parse_order

RUNNING = FieldTerm(FilterField.STATE, Relation.EQUAL, "RUNNING")
TEAM = LabelTerm("team", Relation.EQUAL, "solar")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("", All()),
        ("  ", All()),
        ("state = RUNNING", RUNNING),
        ("state=RUNNING", RUNNING),
        ('state = "RUNNING"', RUNNING),
        ("labels.team = solar", TEAM),
        ("labels:team", LabelTerm("team", Relation.EQUAL, None)),
        ("labels.team != solar", LabelTerm("team", Relation.NOT_EQUAL, "solar")),
        ("state = RUNNING AND labels.team = solar", All((RUNNING, TEAM))),
        ("NOT state = RUNNING", Not(RUNNING)),
        ("NOT (state = RUNNING AND labels.team = solar)", Not(All((RUNNING, TEAM)))),
        ("priority >= HIGH", FieldTerm(FilterField.PRIORITY, Relation.GREATER_OR_EQUAL, 2)),
        (
            "create_time > 2030-01-01T00:00:00Z",
            FieldTerm(FilterField.CREATE_TIME, Relation.GREATER, datetime(2030, 1, 1, tzinfo=UTC)),
        ),
        (
            "create_time > 9999-12-31T23:00:00-00:59",
            FieldTerm(
                FilterField.CREATE_TIME,
                Relation.GREATER,
                datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
            ),
        ),
        (
            r'display_name = "a \"b\" (c)"',
            FieldTerm(FilterField.DISPLAY_NAME, Relation.EQUAL, 'a "b" (c)'),
        ),
        ("monitor = solar-panels", FieldTerm(FilterField.MONITOR, Relation.EQUAL, "solar-panels")),
    ],
)
def test_a_filter_is_read(text, term):
    assert parse_filter(text) == term


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("state = RUNNING OR state = FAILED", "OR"),
        ("state = NAPPING", "NAPPING"),
        ("colour = red", "colour"),
        ("state", "relation"),
        ("state =", "value"),
        ("state RUNNING", "RUNNING"),
        ("(state = RUNNING", "parenthesis"),
        ("state = RUNNING)", "AND"),
        ("state < RUNNING", "knows = and !="),
        ("create_time > yesterday", "yesterday"),
        ("create_time > 0001-01-01T00:00:00+14:00", "2030-01-31T00:00:00Z"),
        ("end_time < 9999-12-31T23:59:59-14:00", "2030-01-31T00:00:00Z"),
        ("state = NAPPING", "PENDING, RUNNING, CANCELLING"),
        ("priority = URGENT", "LOW, NORMAL, HIGH"),
        ("create_time > 2030-01-01T00:00:00", "2030"),
        ("labels.team > a", "labels"),
        ("state : RUNNING", "labels"),
        ('state = "RUNNING', "character"),
        ("create_time > 9999-12-31T23:59:59-23:59", "it takes times"),
        ("end_time < 0001-01-01T00:00:00+23:59", "it takes times"),
        ('display_name = "a\0b"', "control character U+0000"),
        ("a" * 1025, "1024"),
        (" AND ".join(["labels.a = b"] * 33), "32"),
        ("NOT " * 10 + "state = RUNNING", "deeper"),
    ],
)
def test_what_is_no_filter_is_refused_with_the_reason(text, says):
    with pytest.raises(InvalidRequest) as caught:
        parse_filter(text)
    assert caught.value.violations[0].field == "filter"
    assert says in caught.value.violations[0].description


@given(st.text(alphabet='ab=!<>:()".\\ ANDORT-', max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    with suppress(InvalidRequest):
        assert parse_filter(text) is not None


def test_an_order_is_read():
    assert parse_order("") == Order(FilterField.CREATE_TIME, descending=True)
    assert parse_order("end_time") == Order(FilterField.END_TIME, descending=False)
    assert parse_order("create_time desc") == Order(FilterField.CREATE_TIME, descending=True)


@pytest.mark.parametrize(
    "text",
    ["name", "create_time down", "create_time desc end_time", f"create_time{' ' * 1024}desc"],
)
def test_any_other_order_is_refused(text):
    with pytest.raises(InvalidRequest, match="create_time or end_time"):
        parse_order(text)
