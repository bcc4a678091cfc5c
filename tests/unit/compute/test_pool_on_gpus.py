"""The pool where actors hold GPUs, of which there are few."""

import pytest

from interference_service.errors import WorkerLost
from support.fake_pool import HIGH, LOW, NORMAL, Job, World


def test_spares_on_gpus_never_take_one_that_works_and_none_stays_for_long():
    world = World(2, gpus=True, spares=2, idle_seconds=60)
    assert world.fleet.started == []
    with world.pool.seat(NORMAL) as seat:
        job = Job(world, seat)
        job.want(9)
        world.settle()
        assert job.take() == 2
        assert len(world.fleet.living) == 2
    world.settle()
    assert len(world.fleet.living) == 2
    world.later(61)
    assert world.fleet.living == []


def test_a_gpu_changes_hands_where_no_spare_can_be_started_beside_it():
    world = World(1, gpus=True)
    first = world.job(LOW, units=9)
    world.settle()
    assert first.take() == 1
    second = world.job(HIGH, units=1)
    world.settle()
    assert second.take() == 0
    first.finish()
    world.settle()
    assert (first.take(), second.take()) == (0, 1)


def test_a_job_waits_so_long_for_a_first_gpu_and_shows_that_it_needs_one():
    world = World(gpus=True, gpu_wait_seconds=300)
    job = world.job(units=4)
    world.later(299)
    assert job.take() == 0
    assert len(world.fleet.living) == 1
    world.fleet.slots["new"] = 2
    world.later(2)
    world.settle()
    assert job.take() == 2


def test_a_gpu_that_never_comes_fails_the_job():
    world = World(gpus=True, gpu_wait_seconds=300)
    job = world.job(units=1)
    world.later(301)
    with pytest.raises(WorkerLost, match="no worker can be had: one needs 1 gpus"):
        job.take()
    world.stack.close()
    assert world.fleet.living == []


def test_spares_of_another_kind_are_replaced_but_no_job_changes_its_device():
    world = World(2, spares=1)
    job = world.job(units=1)
    world.fleet.gpus = True
    world.later(2)
    assert all(worker.needs.gpus == 0 for worker in world.fleet.started)
    job.finish()
    world.stack.close()
    world.later(2)
    other = world.job(units=1)
    world.settle()
    assert other.take() == 1
    assert other.busy[0].needs.gpus == 1
