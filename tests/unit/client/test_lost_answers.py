"""Calls that have worked although their answer is missing, and jobs that change under their caller."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest

from interference_client import Client, errors
from interference_client.aio import AsyncClient
from interference_client.testing import FakeService, KeepsRunning, StaysPending, Succeeds
from support.client_values import DATA, MODEL
from support.scripted_service import fails, job

CODE = grpc.StatusCode
LOST = fails(CODE.UNAVAILABLE, "Socket closed")
GONE = fails(CODE.NOT_FOUND, reason="NOT_FOUND")
CHANGED = fails(CODE.ABORTED, reason="ETAG_MISMATCH")

Act = Callable[..., Any]


@pytest.fixture(params=["sync", "aio"])
def act(request, target: str) -> Act:
    """Calls a method of the job ``nightly``, of either client; returns its snapshot."""

    def by_sync(method: str, **arguments: Any) -> Any:
        with Client(target) as client:
            handle = client.job("nightly")
            getattr(handle, method)(**arguments)
            return handle.snapshot

    async def by_aio(method: str, arguments: dict[str, Any]) -> Any:
        async with AsyncClient(target) as client:
            handle = await client.job("nightly")
            await getattr(handle, method)(**arguments)
            return handle.snapshot

    if request.param == "sync":
        return by_sync
    return lambda method, **arguments: asyncio.run(by_aio(method, arguments))


def test_what_a_lost_try_has_deleted_is_deleted(service, act):
    service.script("GetAnalysisJob", job("FAILED"))
    service.script("DeleteAnalysisJob", LOST, GONE)
    act("delete")
    assert len(service.requests("DeleteAnalysisJob")) == 2


def test_what_was_not_there_at_once_is_an_error(service, act):
    service.script("GetAnalysisJob", job("FAILED"))
    service.script("DeleteAnalysisJob", GONE)
    with pytest.raises(errors.NotFound) as caught:
        act("delete")
    assert not caught.value.repeated


def test_what_a_lost_try_has_changed_is_changed(service, act):
    changed = job("RUNNING", etag="e2", priority="PRIORITY_HIGH", labels={"a": "b"})
    service.script("GetAnalysisJob", job("RUNNING"), changed)
    service.script("UpdateAnalysisJob", LOST, CHANGED)
    snapshot = act("update", priority="high", labels={"a": "b"})
    assert (snapshot.priority, snapshot.etag) == ("high", "e2")
    assert len(service.requests("UpdateAnalysisJob")) == 2


def test_what_a_lost_try_may_have_changed_in_secret_is_changed_again(service, act):
    # A job that runs does not say how long it is kept.
    renamed = job("RUNNING", etag="e2", display_name="night")
    service.script("GetAnalysisJob", job("RUNNING"), renamed)
    service.script("UpdateAnalysisJob", LOST, CHANGED, job("RUNNING", etag="e3"))
    act("update", display_name="night", ttl=timedelta(hours=1))
    etags = [each.analysis_job.etag for each in service.requests("UpdateAnalysisJob")]
    assert etags == ["e1", "e1", "e2"]


def test_what_somebody_else_has_made_of_it_meanwhile_stays_an_error(service, act):
    changed = job("RUNNING", etag="e2", priority="PRIORITY_LOW", labels={"a": "b"})
    service.script("GetAnalysisJob", job("RUNNING", priority="PRIORITY_NORMAL"), changed)
    service.script("UpdateAnalysisJob", LOST, CHANGED)
    with pytest.raises(errors.Aborted):
        act("update", priority="high")


def test_without_a_lost_try_even_the_same_change_of_another_is_an_error(service, act):
    changed = job("RUNNING", etag="e2", priority="PRIORITY_HIGH")
    service.script("GetAnalysisJob", job("RUNNING", priority="PRIORITY_NORMAL"), changed)
    service.script("UpdateAnalysisJob", CHANGED)
    with pytest.raises(errors.Aborted):
        act("update", priority="high")
    assert len(service.requests("UpdateAnalysisJob")) == 1


def test_a_job_that_changes_all_the_time_is_given_up(service, act):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("UpdateAnalysisJob", CHANGED)
    with pytest.raises(errors.Aborted):
        act("update", priority="high")
    assert len(service.requests("UpdateAnalysisJob")) == 2


def test_an_error_says_whether_a_try_before_may_have_worked(service, act):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("CancelAnalysisJob", LOST, fails(CODE.FAILED_PRECONDITION))
    with pytest.raises(errors.WrongState) as caught:
        act("cancel")
    assert caught.value.repeated


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_job_is_changed_although_a_worker_takes_it_or_it_ends(asynchronous):
    with FakeService() as fake, Client(fake.target) as client:
        fake.plan(StaysPending())
        handle = client.submit(MODEL, DATA)
        fake.finish(handle.name, KeepsRunning())
        running = client.job(handle.name)
        for event in running.events(timeout=20):
            if event.state == "RUNNING":
                break
        assert handle.update(priority="high").snapshot.priority == "high"
        fake.finish(handle.name, Succeeds())
        running.wait(timeout=20)
        if not asynchronous:
            found = handle.update(labels={"a": "b"}, ttl=timedelta(hours=1)).snapshot
        else:
            found = asyncio.run(labelled(fake.target, handle))
        assert (found.labels, found.state) == ({"a": "b"}, "SUCCEEDED")


async def labelled(target, known):
    async with AsyncClient(target) as client:
        handle = await client.job(known.name)
        handle._snapshot = known.snapshot
        return (await handle.update(labels={"a": "b"})).snapshot


def test_a_delete_by_name_likewise(service, client):
    service.script("DeleteAnalysisJob", LOST, GONE)
    client.delete("nightly")
