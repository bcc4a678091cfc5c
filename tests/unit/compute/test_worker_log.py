"""Workers say whose work their lines are about."""

import pickle
from dataclasses import dataclass
from functools import partial

import pytest
import structlog

from interference_service.compute import worker_log
from interference_service.compute.worker_log import WorkerLog, logged


@pytest.fixture(autouse=True)
def a_fresh_worker(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker_log, "_configured", worker_log.threading.Event())
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


@dataclass(frozen=True)
class Context:
    log: WorkerLog


@logged
def surroundings(context: Context, extra: str = "") -> dict[str, object]:
    return structlog.contextvars.get_contextvars() | ({"extra": extra} if extra else {})


def given_out(**about: object) -> WorkerLog:
    """The log of work that is given out by who works on this."""
    with structlog.contextvars.bound_contextvars(**about):
        return WorkerLog.of_here(None)


def test_a_task_tells_what_was_told_where_it_was_given_out():
    log = pickle.loads(pickle.dumps(given_out(job="a", attempt=2)))
    assert surroundings(Context(log), "more") == {"job": "a", "attempt": 2, "extra": "more"}


def test_after_a_task_its_worker_tells_nothing_of_it():
    surroundings(Context(given_out(job="a")))
    assert structlog.contextvars.get_contextvars() == {}
    assert surroundings(Context(given_out(other="b"))) == {"other": "b"}


def test_an_actor_tells_it_for_good():
    given_out(job="a").begin()
    given_out(job="b").begin()
    assert structlog.contextvars.get_contextvars() == {"job": "b"}


def test_the_log_of_a_process_is_set_up_once():
    times: list[int] = []
    log = WorkerLog(partial(times.append, 1))
    for _ in range(3):
        surroundings(Context(log))
        log.begin()
    assert times == [1]
