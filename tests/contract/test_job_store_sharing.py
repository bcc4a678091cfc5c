"""What every job store must do so that no project starves another."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from interference_service.domain.job import PROMOTION, Job, JobState, Priority, Settings
from interference_service.domain.ports import Idempotency
from interference_service.errors import JobExists, QuotaExceeded
from support.jobs import START, job, succeed

LEASE = timedelta(seconds=10)
PRIORITIES = st.sampled_from(Priority)
PROJECTS = st.sampled_from(["solar", "wind", "water"])
EXAMPLES = itertools.count()
"""A project remembers its last turn, so every example has projects of its own."""
WISHES = st.lists(st.tuples(PROJECTS, PRIORITIES, st.integers(0, 14)), min_size=1, max_size=12)


@contextmanager
def holding(store, made: Sequence[Job]) -> Iterator[None]:
    """Put jobs into a store, and leave it empty."""
    for each in made:
        store.create(each, None)
    try:
        yield
    finally:
        for each in made:
            store.delete(each.name, lambda _: None)


def at_most(allowed: int):
    """Lets a project have so many jobs."""

    def admit(active: int) -> None:
        if active >= allowed:
            raise QuotaExceeded(f"{active} jobs")

    return admit


def taken(store, count: int) -> list[str]:
    """Ids of the jobs that so many claims take; none ends."""
    claimed = [store.claim("w", LEASE) for _ in range(count)]
    return [each.id for each in claimed if each is not None]


def waiting(store, project: str, *ids: str, minute: int = 0, priority=Priority.NORMAL) -> None:
    for job_id in ids:
        now = START + timedelta(minutes=minute)
        made = job(job_id, project=project, now=now, settings=Settings(priority=priority))
        store.create(made, None)
        minute += 1


def test_a_job_is_admitted_by_the_number_of_unfinished_jobs_of_its_project(store):
    seen: list[int] = []
    succeed(store, job("done"), START)
    for job_id in ("a", "b", "c", "d"):
        store.create(job(job_id), None, seen.append)
        store.create(job(job_id, project="other"), None)
    assert seen == [0, 1, 2, 3]
    store.claim("w", LEASE)
    store.change(job("b").name, lambda now: now.to(JobState.CANCELLED, START))
    store.create(job("e"), None, seen.append)
    assert seen[-1] == 3


def test_a_job_that_is_not_admitted_is_not_made(store):
    request = Idempotency("alice", "r", "d")
    with pytest.raises(QuotaExceeded):
        store.create(job("a"), request, at_most(0))
    assert store.backlog().by_project == {}
    made, replayed = store.create(job("a"), request)
    assert (made.id, replayed) == ("a", False)


def test_who_makes_no_job_is_not_asked_for_admission(store):
    request = Idempotency("alice", "r", "d")
    made, _ = store.create(job("a"), request)
    assert store.create(job("b"), request, at_most(0)) == (made, True)
    with pytest.raises(JobExists):
        store.create(job("a"), None, at_most(0))


def test_rivals_never_make_more_jobs_than_are_admitted(store):
    start = threading.Barrier(8)

    def make(worker: int) -> int:
        start.wait(10)
        made = 0
        for index in range(12):
            try:
                store.create(job(f"job-{worker}-{index}"), None, at_most(20))
            except QuotaExceeded:
                continue
            made += 1
        return made

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(8))) == 20
    assert store.backlog().by_project == {"default": 20}


def test_the_backlog_counts_what_each_project_has_left(store):
    succeed(store, job("done", project="quiet"), START)
    waiting(store, "solar", "s1", "s2")
    waiting(store, "wind", "w1")
    taken(store, 1)
    assert dict(store.backlog().by_project) == {"solar": 2, "wind": 1}


def test_a_project_with_one_job_does_not_wait_for_one_with_many(store):
    waiting(store, "solar", *(f"s{index}" for index in range(30)))
    waiting(store, "wind", "w0", minute=40)
    assert taken(store, 3) == ["s0", "w0", "s1"]


def test_among_projects_with_as_many_running_the_oldest_job_goes_first(store):
    waiting(store, "solar", "s0", "s1", minute=5)
    waiting(store, "wind", "w0", "w1", minute=1)
    waiting(store, "water", "h0", "h1", minute=3)
    assert taken(store, 6) == ["w0", "h0", "s0", "w1", "h1", "s1"]


def test_a_project_that_has_just_had_its_turn_waits_for_the_others(store, clock):
    waiting(store, "solar", *(f"s{index}" for index in range(30)))
    waiting(store, "wind", "w0", minute=40)
    served = []
    for second in range(3):  # one job at a time
        now = START + timedelta(seconds=second)
        clock.set(now)
        claimed = store.claim("w", LEASE)
        served.append(claimed.id)
        store.change(claimed.name, lambda each, at=now: each.to(JobState.SUCCEEDED, at), owner="w")
    assert served == ["s0", "w0", "s1"]


def test_priority_comes_before_the_share(store):
    waiting(store, "solar", "s0", "s1", priority=Priority.HIGH)
    waiting(store, "wind", "w0")
    assert taken(store, 3) == ["s0", "s1", "w0"]


def test_a_job_that_ends_gives_its_share_back(store):
    waiting(store, "solar", "s0", "s1", "s2")
    waiting(store, "wind", "w0", "w1", minute=10)
    assert taken(store, 2) == ["s0", "w0"]
    store.change(
        job("w0", project="wind").name, lambda now: now.to(JobState.SUCCEEDED, START), owner="w"
    )
    assert taken(store, 2) == ["w1", "s1"]


def test_what_a_dead_worker_held_is_no_share(store, clock):
    waiting(store, "solar", "s0", "s1")
    assert taken(store, 2) == ["s0", "s1"]
    waiting(store, "wind", "w0", "w1", minute=2)
    clock.set(START + 2 * LEASE)
    assert taken(store, 3) == ["w0", "s0", "s1"]


@pytest.mark.parametrize(
    ("waited", "first"),
    [
        (2 * PROMOTION, "low"),
        (2 * PROMOTION - timedelta(microseconds=1), "high"),
        (5 * PROMOTION, "low"),
    ],
)
def test_a_job_of_low_priority_does_not_wait_for_ever(store, clock, waited, first):
    now = START + waited
    waiting(store, "solar", "low", priority=Priority.LOW)
    high = Settings(priority=Priority.HIGH)
    store.create(job("high", project="wind", now=now, settings=high), None)
    clock.set(now)
    assert taken(store, 1)[0] == first


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wishes=WISHES, hours=st.integers(0, 14))
def test_the_next_job_is_the_most_urgent_of_the_project_whose_turn_it_is(
    store, clock, wishes, hours
):
    now, example = START + timedelta(hours=hours), next(EXAMPLES)
    made = [
        job(
            f"job-{index}",
            project=f"{project}-{example}",
            now=START + timedelta(hours=age),
            settings=Settings(priority=priority),
        )
        for index, (project, priority, age) in enumerate(wishes)
    ]
    running: Counter[str] = Counter()
    turn: dict[str, datetime] = {}

    def place(each: Job) -> tuple[object, ...]:
        served = turn.get(each.project, START - timedelta(days=1))
        return -each.urgency(now), running[each.project], served, each.create_time, each.uid

    with holding(store, made):
        left = {each.name: each for each in made}
        while left:
            now += timedelta(seconds=1)
            clock.set(now)
            claimed = store.claim("w", timedelta(hours=1))
            assert claimed is not None
            assert claimed.name == min(left.values(), key=place).name
            running[claimed.project] += 1
            turn[claimed.project] = now
            del left[claimed.name]
        assert store.claim("w", LEASE) is None


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    slots=st.integers(1, 4),
    crowds=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    lengths=st.randoms(use_true_random=False),
)
def test_no_project_waits_for_more_than_one_job_of_every_other(
    store, clock, slots, crowds, lengths
):
    example = next(EXAMPLES)
    made = [
        job(
            f"c{crowd}-{index}",
            project=f"crowd-{crowd}-{example}",
            now=START + timedelta(seconds=index),
        )
        for crowd, size in enumerate(crowds)
        for index in range(size)
    ]
    single = job("single", project=f"single-{example}", now=START + timedelta(hours=1))
    running: list[Job] = []
    with holding(store, [*made, single]):
        for step in range(len(crowds) + 1):
            now = START + timedelta(hours=1, seconds=step)
            if len(running) == slots:
                done = running.pop(lengths.randrange(slots))
                store.change(done.name, lambda each, at=now: each.to(JobState.SUCCEEDED, at))
            clock.set(now)
            running.append(store.claim("w", LEASE * 100))
            if running[-1].id == "single":
                return
    pytest.fail(f"the single job waits behind crowds of {crowds} with {slots} at once")
