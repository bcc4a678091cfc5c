"""What every job store must do: hand out jobs, and count them."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from interference_service.domain.job import (
    Job,
    JobState,
    Priority,
    Progress,
    Settings,
    Stage,
)
from support.jobs import START, job, specification, succeed
from support.monitors import fail

LEASE = timedelta(seconds=10)


def allow(_: Job) -> None:
    pass


def name_of(job_id: str) -> str:
    return job(job_id).name


def test_an_empty_queue_gives_no_job(store, clock):
    assert store.claim("w", LEASE) is None
    succeed(store, job(), START)
    clock.advance(86_400)
    assert store.claim("w", LEASE) is None


def test_a_claimed_job_runs_its_first_attempt_and_is_a_revision_later(store, clock):
    made = job()
    store.create(made, None)
    now = clock.advance(3)
    claimed = store.claim("w", LEASE)
    assert claimed is not None
    assert (claimed.state, claimed.attempt, claimed.start_time) == (JobState.RUNNING, 1, now)
    assert claimed.revision == made.revision + 1
    assert store.get(made.name) == claimed


def test_higher_priority_goes_first_then_the_older(store):
    later = START + timedelta(seconds=1)
    wanted = [
        ("urgent-old", Priority.HIGH, START),
        ("urgent-new", Priority.HIGH, later),
        ("usual", Priority.NORMAL, START),
        ("idle", Priority.LOW, START),
    ]
    for name, priority, created in reversed(wanted):
        store.create(job(name, now=created, settings=Settings(priority=priority)), None)
    taken = [store.claim("w", LEASE) for _ in wanted]
    assert [each and each.id for each in taken] == [name for name, *_ in wanted]


def test_a_job_is_taken_over_only_after_its_lease_ran_out(store, clock):
    store.create(job(), None)
    store.claim("w", LEASE)
    clock.advance(LEASE.total_seconds())
    assert store.claim("v", LEASE) is None
    clock.advance(0.000001)
    taken = store.claim("v", LEASE)
    assert taken is not None
    assert (taken.state, taken.attempt, taken.start_time) == (JobState.RUNNING, 2, START)
    assert store.renew(taken.name, "w", LEASE, None) is None
    assert store.renew(taken.name, "v", LEASE, None) is JobState.RUNNING


def test_a_cancelling_job_is_taken_over_and_stays_cancelling(store, clock):
    made = job()
    store.create(made, None)
    store.claim("w", LEASE)
    store.change(made.name, lambda current: current.to(JobState.CANCELLING, START))
    clock.advance(2 * LEASE.total_seconds())
    taken = store.claim("v", LEASE)
    assert taken is not None
    assert (taken.state, taken.attempt) == (JobState.CANCELLING, 2)


def test_a_new_attempt_begins_its_progress_anew(store, clock):
    made = job()
    store.create(made, None)
    store.claim("w", LEASE)
    told = Progress(stage=Stage.REDUCE, completed_units=5, total_units=6, update_time=START)
    store.renew(made.name, "w", LEASE, told)
    after = clock.advance(2 * LEASE.total_seconds())
    taken = store.claim("v", LEASE)
    assert taken is not None
    assert taken.progress == Progress(update_time=after)


def test_renewing_prolongs_the_lease_and_notes_progress_without_a_new_revision(store, clock):
    made = job()
    store.create(made, None)
    claimed = store.claim("w", LEASE)
    told = Progress(stage=Stage.SCAN, completed_units=1, total_units=2, update_time=START)
    assert store.renew(made.name, "w", 3 * LEASE, told) is JobState.RUNNING
    clock.advance(2 * LEASE.total_seconds())
    assert store.claim("v", LEASE) is None
    found = store.get(made.name)
    assert claimed is not None
    assert (found.progress, found.etag) == (told, claimed.etag)
    store.renew(made.name, "w", LEASE, None)
    assert store.get(made.name).progress == told


def test_renewing_tells_the_holder_that_the_job_is_to_stop(store):
    made = job()
    store.create(made, None)
    store.claim("w", LEASE)
    store.change(made.name, lambda current: current.to(JobState.CANCELLING, START))
    assert store.renew(made.name, "w", LEASE, None) is JobState.CANCELLING


def test_only_the_holder_of_a_job_that_is_there_can_renew(store):
    made = job()
    store.create(made, None)
    assert store.renew(made.name, "w", LEASE, None) is None
    assert store.renew(job("none").name, "w", LEASE, None) is None


def test_rivals_never_claim_the_same_job(store):
    for index in range(50):
        store.create(job(f"job-{index}"), None)

    def take_all(owner: str) -> list[str]:
        taken = iter(lambda: store.claim(owner, LEASE), None)
        return [each.id for each in taken]

    with ThreadPoolExecutor(4) as pool:
        taken = list(itertools.chain(*pool.map(take_all, "abcd")))
    assert len(taken) == len(set(taken)) == 50


def test_only_finished_jobs_expire_and_the_earliest_comes_first(store):
    for index, name in enumerate(("late", "early", "never")):
        done = succeed(store, job(name), START)
        expire = None if name == "never" else START + timedelta(days=2 - index)
        store.change(done.name, lambda now, at=expire: now.changed(START, expire_time=at))
    store.create(job("waiting", expire_time=START), None)
    end = START + timedelta(days=2)
    assert [each.id for each in store.expired(end, 10)] == ["early", "late"]
    assert [each.id for each in store.expired(end, 1)] == ["early"]
    assert [each.id for each in store.expired(end - timedelta(microseconds=1), 10)] == ["early"]


def test_latest_is_the_last_success_of_every_monitor(store):
    for name, monitor, minute in (
        ("s2", "solar", 2),
        ("s1", "solar", 1),
        ("w1", "wind", 0),
        ("x1", "", 3),
    ):
        succeed(store, job(name, spec=specification(monitor=monitor)), _minute(minute))
    other = job("o1", project="other", spec=specification(monitor="solar"))
    succeed(store, other, _minute(9))
    fail(store, job("s3"), _minute(5))
    assert [each.id for each in store.latest()] == ["s2", "w1", "o1"]
    known = store.latest()
    assert store.latest(known) == known
    store.delete(name_of("s2"), allow)
    assert [each.id for each in store.latest()] == ["s1", "w1", "o1"]
    assert store.latest(known) == store.latest(known[1:]) == store.latest()


def test_the_newest_success_of_one_monitor_is_found_by_its_end(store):
    for name, monitor, minute in (("late", "solar", 2), ("early", "solar", 1), ("w", "wind", 3)):
        succeed(store, job(name, spec=specification(monitor=monitor)), _minute(minute))
    succeed(store, job("o", project="other", spec=specification(monitor="solar")), _minute(9))
    fail(store, job("failed"), _minute(8))
    store.create(job("waiting"), None)
    found = store.latest_of("default", "solar")
    assert found == store.get(name_of("late"))
    assert store.latest_of("default", "wind").id == "w"
    assert store.latest_of("other", "wind") is None
    store.delete(name_of("late"), allow)
    assert store.latest_of("default", "solar").id == "early"


def test_of_two_that_end_at_once_the_same_one_is_the_newest_however_it_is_asked(store):
    for uid in ("2", "1", "3"):
        succeed(store, job(f"job-{uid}", uid=uid), START)
    assert [each.uid for each in store.latest()] == ["1"]
    assert store.latest_of("default", "solar").uid == "1"


def test_failures_are_counted_from_the_last_success_of_their_monitor_on(store):
    assert store.failures() == {}
    fail(store, job("before"), _minute(1))
    assert store.failures() == {("default", "solar"): 1}
    succeed(store, job("success"), _minute(2))
    assert store.failures() == {}
    for name, minute in (("first", 3), ("second", 4)):
        fail(store, job(name), _minute(minute))
    fail(store, job("never", spec=specification(monitor="wind")), _minute(0))
    fail(store, job("elsewhere", project="other"), _minute(0))
    fail(store, job("of-none", spec=specification(monitor="")), _minute(9))
    store.create(job("cancelled"), None)
    store.change(name_of("cancelled"), lambda each: each.to(JobState.CANCELLED, _minute(9)))
    assert store.failures() == {
        ("default", "solar"): 2,
        ("default", "wind"): 1,
        ("other", "solar"): 1,
    }
    store.delete(name_of("success"), allow)
    assert store.failures()["default", "solar"] == 3


def _minute(minute: int):
    return START + timedelta(minutes=minute)


def test_the_backlog_counts_what_is_not_finished(store):
    empty = store.backlog()
    assert empty.by_state == {
        JobState.PENDING: 0,
        JobState.RUNNING: 0,
        JobState.CANCELLING: 0,
    }
    assert empty.oldest_pending is None
    succeed(store, job("done"), START)
    for index in range(3):
        store.create(job(f"job-{index}", now=_minute(index)), None)
    store.claim("w", LEASE)
    backlog = store.backlog()
    assert backlog.by_state == {
        JobState.PENDING: 2,
        JobState.RUNNING: 1,
        JobState.CANCELLING: 0,
    }
    assert backlog.oldest_pending == _minute(1)


def test_the_generation_grows_at_a_success_a_failure_and_a_delete_and_only_then(store):
    grown = [store.generation()]
    store.create(job("a"), None)
    store.claim("w", LEASE)
    store.renew(name_of("a"), "w", LEASE, None)
    assert store.generation() == grown[-1]
    store.change(name_of("a"), lambda now: now.to(JobState.SUCCEEDED, START), owner="w")
    grown.append(store.generation())
    store.change(name_of("a"), lambda now: now.changed(START, ttl_seconds=1.0))
    assert store.generation() == grown[-1]
    store.delete(name_of("a"), allow)
    grown.append(store.generation())
    fail(store, job("b"), START)
    grown.append(store.generation())
    store.create(job("c"), None)
    store.change(name_of("c"), lambda each: each.to(JobState.CANCELLED, START))
    grown.append(store.generation())
    assert grown[0] < grown[1] < grown[2] < grown[3] == grown[4]


def test_the_present_attempts_are_those_of_jobs_that_are_there(store):
    later = START + timedelta(seconds=1)
    taken, waiting, gone = job("taken"), job("waiting", now=later), job("gone", now=later)
    for each in (taken, waiting, gone):
        store.create(each, None)
    store.claim("w", LEASE)
    store.delete(gone.name, allow)
    uids = [each.uid for each in (taken, waiting, gone)]
    assert store.attempts(uids) == {taken.uid: 1, waiting.uid: 0}
    assert store.attempts([waiting.uid]) == {waiting.uid: 0}
    assert store.attempts([]) == {}


def test_a_secret_is_made_once(store):
    made = store.secret("tokens")
    assert len(made) == 32
    assert store.secret("tokens") == made
    assert store.secret("other") != made


def test_a_reachable_store_answers_a_ping(store):
    store.ping()


def test_rivals_that_ask_for_a_secret_get_the_same(store):
    start = threading.Barrier(4)

    def ask(_: int) -> bytes:
        start.wait(10)
        return store.secret("tokens")

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
