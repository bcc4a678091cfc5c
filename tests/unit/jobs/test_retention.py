"""Finished jobs go when their time has come."""

from datetime import timedelta

import pytest

from interference_service.errors import NotFound
from interference_service.jobs.retention import Retention
from support.jobs import job, succeed


def test_what_has_expired_is_removed_and_nothing_else(world):
    now = world.clock.now()
    for job_id, life in (("old", 10), ("young", 1000)):
        succeed(world.store, job(job_id, expire_time=now + timedelta(seconds=life)), now)
    retention = Retention(world.store, world.artifacts, world.clock)
    assert retention.sweep() == 0
    world.clock.advance(11)
    assert retention.sweep() == 1
    with pytest.raises(NotFound):
        world.store.get("projects/default/analysisJobs/old")
    assert world.store.get("projects/default/analysisJobs/young")


def test_a_result_that_cannot_be_removed_keeps_its_job_until_it_can(world, monkeypatch):
    now = world.clock.now()
    succeed(world.store, job("old", expire_time=now + timedelta(seconds=10)), now)
    retention = Retention(world.store, world.artifacts, world.clock)
    world.clock.advance(11)
    delete, removed = world.artifacts.delete, []

    def fails_once(expired):
        removed.append(expired.id)
        if len(removed) == 1:
            raise OSError("device or resource busy")
        delete(expired)

    monkeypatch.setattr(world.artifacts, "delete", fails_once)
    with pytest.raises(OSError, match="busy"):
        retention.sweep()
    assert world.store.get("projects/default/analysisJobs/old")
    assert retention.sweep() == 1
    assert removed == ["old", "old"]
