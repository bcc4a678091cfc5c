"""What every job store must do: make, change and remove jobs."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from interference_service.domain.inputs import Value
from interference_service.domain.job import (
    Job,
    JobError,
    JobState,
    Priority,
    Progress,
    Settings,
    Stage,
)
from interference_service.domain.ports import Idempotency, Mark
from interference_service.domain.specification import Comparison, Gate
from interference_service.domain.verdict import Estimate, judge, verdict
from interference_service.errors import (
    InvalidData,
    JobExists,
    LeaseLost,
    NotFound,
    RequestIdReused,
    WrongState,
)
from support.jobs import START, job, specification, succeed

LEASE = timedelta(seconds=10)


DAY = 86_400


def asked(request_id: str = "r1", digest: str = "d1", principal: str = "alice") -> Idempotency:
    return Idempotency(principal, request_id, digest)


def stop(_: Job) -> Job:
    raise WrongState("stop")


def allow(_: Job) -> None:
    pass


def name_of(job_id: str) -> str:
    return job(job_id).name


def test_a_job_is_read_as_it_was_made(store):
    made = job(
        settings=Settings(
            display_name="Nächtlich", labels={"a.b-c_d": "x"}, priority=Priority.HIGH
        ),
        ttl_seconds=12.5,
        expire_time=START + timedelta(days=1),
        trace_parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    assert store.create(made, None) == (made, False)
    assert store.get(made.name) == made


def test_a_mark_differs_after_every_change(store):
    made = job()
    store.create(made, None)
    assert store.marks([made.name, name_of("missing")]) == {
        made.name: Mark(made.uid, 1, made.progress)
    }
    store.claim("worker", LEASE)
    progress = Progress(stage=Stage.SCAN, completed_units=1, update_time=START + LEASE)
    store.renew(made.name, "worker", LEASE, progress)
    assert store.marks([made.name]) == {made.name: Mark(made.uid, 2, progress)}
    assert store.marks([]) == {}


def test_times_keep_their_microseconds_and_come_back_aware(store):
    made = job()
    store.create(made, None)
    found = store.get(made.name)
    assert found.create_time.microsecond == START.microsecond
    assert found.create_time.utcoffset() == timedelta(0)


def test_every_part_of_a_finished_job_is_kept_even_undetermined_numbers(store):
    gate = Gate(id="g", subject="summary/x", comparison=Comparison.AT_MOST, bound=1.0)
    done = succeed(store, job(spec=specification(gates=[gate])), START)
    changed = store.change(
        done.name,
        lambda current: current.changed(
            START,
            verdict=verdict((judge(gate, Estimate()),)),
            error=JobError.of(InvalidData.at("data.uris", "is empty", rule="rows")),
        ),
    )
    assert repr(store.get(done.name).verdict) == repr(changed.verdict)
    assert store.get(done.name).error == changed.error
    assert store.get(done.name).resolved_inputs == done.resolved_inputs
    assert done.resolved_inputs is not None


def test_a_missing_job_is_not_found_whatever_is_wanted_of_it(store):
    name = job("none").name
    for call in (
        lambda: store.get(name),
        lambda: store.change(name, lambda current: current),
        lambda: store.delete(name, allow),
    ):
        with pytest.raises(NotFound, match=name):
            call()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_taken_name_is_refused_and_says_whether_by_the_same_specification(store, version):
    store.create(job(spec=specification(version="v1")), None)
    with pytest.raises(JobExists) as caught:
        store.create(job(spec=specification(version=version)), asked())
    assert caught.value.metadata["same_spec"] == ("true" if version == "v1" else "false")


def test_the_same_id_is_free_in_another_project(store):
    store.create(job("a", project="one"), None)
    store.create(job("a", project="two"), None)
    assert store.get("projects/two/analysisJobs/a").project == "two"


def test_the_same_request_again_brings_the_first_job_as_it_is_now(store):
    first = job("first")
    store.create(first, asked())
    claimed = store.claim("w", LEASE)
    assert store.create(job("second"), asked()) == (claimed, True)
    with pytest.raises(NotFound):
        store.get(job("second").name)


def test_a_request_id_with_another_request_is_refused(store):
    store.create(job("first"), asked(digest="d1"))
    with pytest.raises(RequestIdReused, match="r1"):
        store.create(job("second"), asked(digest="d2"))


def test_an_earlier_answer_is_found_without_making_anything(store, clock):
    assert store.answered(asked()) is None
    first, _ = store.create(job("first"), asked())
    assert store.answered(asked()) == first
    assert store.answered(asked(principal="bob")) is None
    with pytest.raises(RequestIdReused, match="r1"):
        store.answered(asked(digest="d2"))
    clock.advance(DAY + 1)
    assert store.answered(asked(digest="d2")) is None


def test_request_ids_of_two_principals_are_apart(store):
    store.create(job("first"), asked(principal="alice"))
    assert store.create(job("second"), asked(principal="bob"))[1] is False


def test_a_request_id_is_kept_for_24_hours_and_no_longer(store, clock):
    store.create(job("first"), asked())
    clock.advance(DAY)
    assert store.create(job("second"), asked())[1] is True
    clock.advance(0.000001)
    assert store.create(job("second"), asked(digest="d2"))[1] is False
    with pytest.raises(RequestIdReused):
        store.create(job("third"), asked())


def test_a_replay_does_not_prolong_the_life_of_its_request_id(store, clock):
    store.create(job("first"), asked())
    clock.advance(DAY / 2)
    store.create(job("second"), asked())
    clock.advance(DAY / 2 + 1)
    assert store.create(job("third"), asked())[1] is False


def test_the_request_of_a_deleted_job_makes_a_new_one(store):
    first = job("first")
    store.create(first, asked())
    store.delete(first.name, allow)
    again = job("first")
    assert store.create(again, asked()) == (again, False)
    assert store.create(job("third"), asked())[0].uid == again.uid


def test_a_request_id_of_a_deleted_job_still_refuses_another_request(store):
    first = job("first")
    store.create(first, asked())
    store.delete(first.name, allow)
    with pytest.raises(RequestIdReused):
        store.create(job("second"), asked(digest="d2"))


def test_a_request_that_was_refused_leaves_no_trace_of_its_id(store):
    store.create(job("first"), None)
    with pytest.raises(JobExists):
        store.create(job("first"), asked())
    assert store.create(job("second"), asked(digest="d2"))[1] is False


def test_a_change_is_seen_by_the_next_reader(store):
    made = job()
    store.create(made, None)
    later = START + timedelta(seconds=1)
    changed = store.change(made.name, lambda current: current.changed(later, ttl_seconds=5.0))
    assert changed.revision == made.revision + 1
    assert store.get(made.name) == changed


def test_what_a_change_raises_is_raised_and_nothing_is_written(store):
    made = job()
    store.create(made, None)
    with pytest.raises(WrongState):
        store.change(made.name, stop)
    assert store.get(made.name) == made


def test_a_change_in_the_name_of_an_owner_needs_that_owners_lease(store):
    made = job()
    store.create(made, None)
    with pytest.raises(LeaseLost):
        store.change(made.name, lambda current: current, owner="w")
    store.claim("w", LEASE)
    with pytest.raises(LeaseLost):
        store.change(made.name, lambda current: current, owner="other")
    store.change(made.name, lambda current: current.changed(START), owner="w")


def test_a_job_that_goes_back_to_the_queue_loses_its_lease(store):
    made = job()
    store.create(made, None)
    store.claim("w", LEASE)
    store.change(made.name, lambda current: current.to(JobState.PENDING, START), owner="w")
    assert store.renew(made.name, "w", LEASE, None) is None
    with pytest.raises(LeaseLost):
        store.change(made.name, lambda current: current, owner="w")
    again = store.claim("v", LEASE)
    assert again is not None
    assert again.attempt == 2


def test_a_finished_job_is_held_by_nobody(store):
    done = succeed(store, job(), START)
    assert store.renew(done.name, "worker", LEASE, None) is None
    with pytest.raises(LeaseLost):
        store.change(done.name, lambda current: current, owner="worker")


def test_changes_by_rivals_are_made_one_after_the_other(store):
    made = job()
    store.create(made, None)
    with ThreadPoolExecutor(4) as pool:
        changes = [
            pool.submit(store.change, made.name, lambda current: current.changed(START))
            for _ in range(40)
        ]
        assert sorted(each.result().revision for each in changes) == list(range(2, 42))


def test_deleting_returns_what_was_removed(store):
    made = job()
    store.create(made, None)
    assert store.delete(made.name, allow) == made
    with pytest.raises(NotFound):
        store.get(made.name)


def test_a_check_that_objects_keeps_the_job(store):
    made = job()
    store.create(made, None)
    with pytest.raises(WrongState):
        store.delete(made.name, stop)
    assert store.get(made.name) == made


def test_one_of_many_rivals_gets_a_name_and_one_request_makes_one_job(store):
    start = threading.Barrier(8)

    def make(index: int) -> str:
        start.wait(10)
        idempotency = asked() if index % 2 else None
        try:
            made, replayed = store.create(job("wanted"), idempotency)
        except JobExists:
            return "exists"
        return "replayed" if replayed else made.uid

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(make, range(8)))
    uids = [each for each in outcomes if each not in {"exists", "replayed"}]
    assert uids == [store.get(name_of("wanted")).uid]


def test_values_of_the_domain_compare_by_content():
    # The comparisons above would say nothing otherwise.
    assert issubclass(Job, Value)
    assert job(uid="u") == job(uid="u")
