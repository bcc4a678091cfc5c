"""When a call is tried again; decided without calling anybody."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from interference_client import _retries, errors
from interference_client._retries import Deadline, Resumption, Retries, RetryBudget

BUSY = errors.QuotaExceeded("busy", retry_after_seconds=1.5)
AWAY = errors.Unavailable("away")
FINAL = [
    errors.InvalidArgument("x"),
    errors.InternalError("x"),
    errors.DeadlineExceeded("x"),
    errors.QuotaExceeded("without a time"),
    errors.HandshakeFailed("x"),
    errors.Unavailable("stay away", retry_after_seconds=math.inf),
    errors.StreamCut("x"),
]


def retries(seconds: float | None = None, *, renewable: bool = False) -> Retries:
    return Retries(Deadline(seconds), RetryBudget(), renewable=renewable)


@pytest.fixture
def usual_pauses(monkeypatch):
    monkeypatch.setattr(_retries, "_FIRST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(_retries, "_LONGEST_PAUSE_SECONDS", 5.0)


@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
def test_what_would_fail_again_or_may_have_happened_is_not_tried_again(error):
    with pytest.raises(type(error)):
        retries(renewable=True).pause_seconds(error)


def test_pauses_grow_and_end(usual_pauses):
    call = retries()
    pauses = [call.pause_seconds(AWAY) for _ in range(5)]
    for pause, longest in zip(pauses, (0.2, 0.4, 0.8, 1.6, 3.2), strict=True):
        assert longest / 2 <= pause <= longest
    with pytest.raises(errors.Unavailable):
        call.pause_seconds(AWAY)


def test_the_time_that_the_service_names_is_waited_for_at_least():
    assert retries().pause_seconds(BUSY) >= 1.5


@given(st.floats(0, 3))
def test_no_pause_goes_beyond_the_deadline(seconds):
    call = retries(seconds)
    try:
        pause = call.pause_seconds(BUSY)
    except errors.QuotaExceeded:
        return
    assert pause < seconds


@given(st.integers(1, 60))
def test_all_calls_together_retry_no_more_than_the_reserve(calls):
    budget, tried = RetryBudget(), 0
    for _ in range(calls):
        call = Retries(Deadline(None), budget, renewable=False)
        try:
            for _ in range(10):
                call.pause_seconds(AWAY)
                tried += 1
        except errors.Unavailable:
            pass
    assert tried <= 21
    assert tried >= min(5 * calls, 20)


def test_the_reserve_fills_with_time_and_with_successes(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(_retries, "time", SimpleNamespace(monotonic=lambda: now[0]))
    budget = RetryBudget()
    while budget.take():
        pass
    now[0] += 4
    assert [budget.take() for _ in range(3)] == [True, True, False]
    for _ in range(11):
        budget.succeeded()
    assert [budget.take() for _ in range(2)] == [True, False]


def test_a_refused_token_is_asked_for_once_more_and_once_only():
    call, refused = retries(renewable=True), errors.Unauthenticated("expired")
    assert call.pause_seconds(refused) == 0
    with pytest.raises(errors.Unauthenticated):
        call.pause_seconds(refused)
    with pytest.raises(errors.Unauthenticated):
        retries().pause_seconds(refused)


def test_a_watch_renews_its_token_as_often_as_the_service_answers_in_between():
    watch, refused = Resumption(60, renewable=True), errors.Unauthenticated("expired")
    for _ in range(3):
        assert watch.pause_seconds(refused) == 0
        watch.heard()
    watch.pause_seconds(refused)
    with pytest.raises(errors.Unauthenticated):
        watch.pause_seconds(refused)


def test_a_handshake_that_fails_is_passing_once_the_service_was_heard():
    watch, failed = Resumption(60), errors.HandshakeFailed("expired")
    with pytest.raises(errors.HandshakeFailed):
        watch.pause_seconds(failed)
    watch.heard()
    assert watch.pause_seconds(failed) > 0


def test_a_busy_service_is_watched_again_when_it_says_unless_that_is_too_late():
    assert Resumption(60).pause_seconds(BUSY) >= 1.5
    with pytest.raises(errors.QuotaExceeded):
        Resumption(1).pause_seconds(BUSY)


@pytest.mark.parametrize("seconds", [-1, math.nan, -math.inf])
def test_a_timeout_that_is_none_is_refused(seconds):
    with pytest.raises(ValueError, match="0 or more"):
        Deadline(seconds)
