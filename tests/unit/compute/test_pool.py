"""Which job has which actors, decided on a fake cluster."""

import pytest
from hypothesis import given, strategies as st

from interference_service.compute.lost import Loss, Lost
from interference_service.compute.pool import ActorPool
from interference_service.compute.spares import PoolBounds
from interference_service.domain.job import Priority
from interference_service.domain.workers import Workers
from interference_service.errors import InputUnsupported, WorkerLost
from support.fake_fleet import FakeClock, FakeFleet
from support.fake_pool import NORMAL, Job, World


def test_spares_are_started_before_a_job_comes_and_one_is_had_at_once():
    world = World(2, spares=2)
    assert len(world.fleet.started) == 2
    assert world.job(units=1).take() == 1


def test_a_job_grows_to_the_whole_pool_when_it_is_alone():
    world = World(2, 3, spares=1)
    job = world.job(units=9)
    world.settle()
    assert job.take() == 5
    nodes = [worker.node for worker in job.busy]
    assert (nodes.count("node0"), nodes.count("node1")) == (2, 3)


def test_no_more_spares_wait_than_may_work_and_those_of_a_new_node_are_on_it():
    world = World(1, spares=3)
    assert len(world.fleet.started) == 1
    world.fleet.slots["node1"] = 2
    world.later(2)
    assert [worker.node for worker in world.fleet.started] == ["node0", "node1", "node1"]


def test_a_job_works_on_the_node_where_most_slots_are_free():
    world = World(1, 2, spares=3)
    jobs = [world.job(units=1) for _ in range(3)]
    assert [job.busy[0].node for job in jobs] == ["node1", "node1", "node0"]


def test_a_job_has_no_more_actors_than_units_and_max_actors_allow():
    world = World(8, spares=1, max_actors=3)
    few, many = world.job(units=1), world.job(units=9)
    world.settle()
    assert (few.take(), many.take()) == (1, 2)


def test_a_large_job_gives_way_as_soon_as_its_unit_ends_and_not_before():
    world = World(2, spares=1)
    large = world.job(units=100)
    world.settle()
    assert large.take() == 2
    small = world.job(units=2)
    world.settle()
    assert small.take() == 0
    victim = large.busy[0]
    large.finish(1)
    assert victim in world.fleet.killed
    assert (large.take(), small.take()) == (1, 1)
    assert not set(small.busy) & large.mine
    large.finish()
    assert (large.take(), small.take()) == (1, 1)


def test_a_job_takes_more_when_another_ends():
    world = World(2, spares=1)
    first, second = world.job(units=5), world.job(units=5)
    world.settle()
    assert (first.take(), second.take()) == (1, 1)
    second.want(0)
    second.finish()
    world.settle()
    assert first.take() == 2


def test_priorities_share_by_weight():
    world = World(7, spares=1)
    jobs = [world.job(priority, units=50) for priority in Priority]
    for _ in range(8):
        world.settle()
        for job in jobs:
            job.finish()
    assert [job.take() for job in jobs] == [1, 2, 4]


def test_an_actor_without_work_stays_with_its_job_until_another_lacks_it():
    world = World(1, spares=0, idle_seconds=5)
    first = world.job(units=1)
    world.settle()
    first.take()
    first.finish()
    assert len(world.fleet.living) == 1
    first.want(1)
    assert first.take() == 1
    first.finish()
    second = world.job(units=1)
    world.settle()
    assert second.take() == 1
    assert first.mine <= set(world.fleet.killed)


def test_actors_of_a_job_are_killed_at_its_end_and_spares_come_in_their_stead():
    world = World(2, spares=1)
    with world.pool.seat(NORMAL) as seat:
        job = Job(world, seat)
        job.want(2)
        world.settle()
        assert job.take() == 2
    assert job.mine == set(world.fleet.killed)
    world.settle()
    assert world.job(units=2).take() == 2
    assert not job.mine & set(world.fleet.living)


def test_what_was_granted_but_not_taken_is_not_lost_with_its_job():
    world = World(2, spares=1)
    with world.pool.seat(NORMAL) as seat:
        seat.want(1)
    job = world.job(units=1)
    assert job.take() == 1
    assert job.busy == [world.fleet.started[0]]


def test_the_pool_shrinks_to_its_spares_when_nothing_was_needed_for_long():
    world = World(4, spares=1, idle_seconds=60)
    with world.pool.seat(NORMAL) as seat:
        job = Job(world, seat)
        job.want(4)
        world.settle()
        assert job.take() == 4
    world.settle()
    assert len(world.fleet.living) == 4
    world.later(30)
    assert len(world.fleet.living) == 4
    world.later(31)
    assert len(world.fleet.living) == 1


def test_an_actor_is_got_ready_while_the_job_still_reads_its_data():
    world = World(2, spares=0)
    assert world.fleet.started == []
    job = world.job()
    world.settle()
    assert len(world.fleet.started) == 1
    job.want(1)
    assert job.take() == 1


def test_a_spare_that_dies_is_replaced_before_a_job_meets_it():
    world = World(2, spares=1)
    dead = world.fleet.living[0]
    world.clock.now += 6
    world.pool.tend(0)
    world.fleet.answer(Lost(Loss.DIED))
    world.pool.tend(0)
    world.later(3)
    assert dead in world.fleet.killed
    job = world.job(units=1)
    assert job.take() == 1
    assert dead not in job.mine


def test_an_actor_that_dies_at_work_is_replaced_for_the_same_job():
    world = World(1, spares=0)
    job = world.job(units=2)
    world.settle()
    job.take()
    dead = job.busy.pop()
    job.seat.discard(dead)
    job.want(2)
    world.settle()
    assert job.take() == 1
    assert dead in world.fleet.killed


def test_processes_that_die_at_their_start_fail_the_job_that_waits_and_only_in_the_end():
    world = World(2, spares=0, max_tries=3)
    job = world.job(units=1)
    for _ in range(2):
        world.fleet.answer(Lost(Loss.DIED))
        world.pool.tend(0)
        assert job.take() == 0
    world.fleet.answer(Lost(Loss.DIED))
    world.pool.tend(0)
    with pytest.raises(WorkerLost, match="3 gradient actors in a row died at their start"):
        job.take()


def test_a_start_that_is_refused_fails_at_once_the_jobs_that_have_nothing():
    world = World(2, spares=0)
    served = world.job(units=1)
    world.settle()
    assert served.take() == 1
    waiting = world.job(units=1)
    world.settle(InputUnsupported("another version"))
    with pytest.raises(InputUnsupported, match="another version"):
        waiting.take()
    served.finish()


def test_starts_that_fail_are_tried_again_only_after_a_pause_where_nobody_waits():
    fleet, clock = FakeFleet(2), FakeClock()
    pool = ActorPool(fleet, PoolBounds(spares=1), clock)
    for _ in range(4):
        pool.tend(0)
        fleet.answer(Lost(Loss.DIED))
    assert len(fleet.started) == 1
    clock.now += 3
    pool.tend(0)
    assert len(fleet.started) == 2


def test_a_closed_pool_starts_nothing_and_leaves_nothing():
    world = World(2, spares=2)
    world.pool.close()
    world.later(100)
    assert world.fleet.living == []


steps = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["finish", "die", "start", "close"])),
    max_size=60,
)


@given(
    jobs=st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 9)), max_size=5),
    slots=st.lists(st.integers(0, 3), min_size=1, max_size=2),
    gpus=st.booleans(),
    steps=steps,
)
def test_whatever_happens_no_actor_serves_two_jobs_and_all_units_are_run(jobs, slots, gpus, steps):
    world = World(*slots, 1, gpus=gpus, spares=1)
    capacity = sum(slots) + 1
    running = [world.job(priority, units=units) for priority, units in jobs]

    def holds() -> None:
        working = sum(len(job.busy) for job in running)
        assert working <= capacity
        assert not gpus or len(world.fleet.living) <= capacity
        assert not set().union(*(job.busy for job in running)) & set(world.fleet.killed)
        owners = [worker for job in running for worker in job.mine]
        assert len(owners) == len(set(owners))

    for index, step in steps:
        job = running[index % len(running)] if running else None
        if step == "start" or job is None:
            world.settle()
        elif step == "finish":
            job.finish(1)
        elif step == "die" and job.busy:
            job.seat.discard(job.busy.pop())
            job.want(job.units + 1)
        for each in running:
            each.take()
        holds()
    for _ in range(60):
        world.settle()
        for job in running:
            job.finish()
            job.take()
        holds()
    assert [job.units + len(job.busy) for job in running] == [0] * len(running)
    world.stack.close()
    world.pool.close()
    assert world.fleet.living == []


@given(
    jobs=st.lists(st.tuples(st.sampled_from(Priority), st.integers(1, 9)), min_size=1, max_size=5),
    capacity=st.integers(1, 6),
)
def test_no_actor_is_idle_while_a_job_waits(jobs, capacity):
    world = World(capacity, spares=1)
    running = [world.job(priority, units=units) for priority, units in jobs]
    while any(job.units for job in running):
        world.settle()
        for job in running:
            job.take()
        working = sum(len(job.busy) for job in running)
        left = sum(job.units for job in running)
        assert working == capacity or not left
        for job in running:
            job.finish(1)
    world.stack.close()


def test_workers_are_counted_by_what_they_do():
    world = World(4, spares=3)
    job = world.job(units=2)
    assert world.pool.workers() == Workers(starting=2, idle=1, busy=2)
    world.settle()
    job.finish()
    assert world.pool.workers() == Workers(idle=5)
