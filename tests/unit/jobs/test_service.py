"""What callers can do with jobs."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from interference_service.domain.events import JobFinished
from interference_service.domain.job import JobState, Progress, Settings
from interference_service.errors import (
    Draining,
    EtagMismatch,
    InputUnavailable,
    InputUnsupported,
    InternalError,
    InvalidRequest,
    JobExists,
    NoResult,
    NotFound,
    OutOfMemory,
    Overloaded,
    RequestIdReused,
    WrongState,
)
from interference_service.telemetry.store import StoreMetrics
from support.jobs import analysis, job as example_job, succeed
from support.waiting import until

NAME = "projects/default/analysisJobs/nightly"


async def test_a_submitted_job_is_durable_and_pending(world):
    job = await world.submit()
    assert world.store.get(NAME) == job
    assert (job.state, job.creator, job.attempt) == (JobState.PENDING, "alice", 0)


async def test_a_job_without_an_id_gets_one(world):
    first, second = await world.submit(""), await world.submit("")
    assert first.id != second.id


async def test_the_same_request_id_brings_the_same_job(world):
    first = await world.submit("", request_id="r", request_digest="d")
    again = await world.submit("", request_id="r", request_digest="d")
    assert again.name == first.name
    with pytest.raises(RequestIdReused):
        await world.submit("", request_id="r", request_digest="other")


async def test_a_retry_brings_its_job_though_that_could_not_be_made_any_more(world):
    soon = world.clock.now() + timedelta(seconds=60)
    request = {"request_id": "r", "request_digest": "d", "expire_time": soon}
    first = await world.submit("", **request)
    world.clock.advance(3600)
    world.checker.refusal = InputUnavailable.at("model.uri", "is missing now")
    assert await world.submit("", **request) == first
    with pytest.raises(RequestIdReused):
        await world.submit("", **{**request, "request_digest": "other"})


async def test_a_validation_compares_its_request_id_and_does_not_keep_it(world):
    request = {"request_id": "r", "request_digest": "d"}
    await world.submit("", validate_only=True, **request)
    await world.submit("", validate_only=True, **{**request, "request_digest": "other"})
    job = await world.submit("", **request)
    # What would be answered by the job that it made before, is as good as it was.
    again = await world.submit("", validate_only=True, **request)
    assert again.resolved_inputs == world.preflight.end
    with pytest.raises(RequestIdReused):
        await world.submit("", validate_only=True, **{**request, "request_digest": "other"})
    assert world.store.get(job.name) == job


async def test_a_validation_is_refused_a_taken_id_before_anything_is_tried(world):
    await world.submit()
    world.preflight.end = InputUnsupported.at("model.uri", "is noise")
    with pytest.raises(JobExists) as caught:
        await world.submit(validate_only=True)
    assert caught.value.metadata["same_spec"] == "true"


async def test_a_taken_id_is_refused(world):
    await world.submit()
    with pytest.raises(JobExists) as caught:
        await world.submit()
    assert caught.value.metadata["same_spec"] == "true"


async def test_a_refused_reference_is_named_by_its_field_in_the_request(world):
    world.checker.refusal = InputUnavailable.at("model.uri", "is missing")
    with pytest.raises(InvalidRequest) as caught:
        await world.submit()
    assert caught.value.violations[0].field == "analysis_job.spec.model.uri"
    with pytest.raises(NotFound):
        await world.jobs.get(NAME)


async def test_validation_alone_leaves_no_trace(world):
    await world.submit(validate_only=True)
    with pytest.raises(NotFound):
        await world.jobs.get(NAME)
    assert not world.events


async def test_a_validation_is_counted_as_no_failure_of_the_store(world, monkeypatch):
    registry = CollectorRegistry()
    monkeypatch.setattr(world.store, "create", StoreMetrics(registry).timed(world.store).create)
    await world.submit(validate_only=True)
    counted = {
        name: registry.get_sample_value(f"interference_store_{name}", {"operation": "create"})
        for name in ("operation_seconds_count", "errors_total")
    }
    assert counted == {"operation_seconds_count": 1, "errors_total": 0}


async def test_a_validated_job_says_what_would_be_read(world):
    job = await world.submit(validate_only=True)
    assert job.resolved_inputs == world.preflight.end
    assert (await world.submit()).resolved_inputs is None


async def test_only_a_validation_tries_what_is_submitted(world):
    world.preflight.end = InputUnsupported.at("model.uri", "is noise")
    await world.submit()
    with pytest.raises(InvalidRequest) as caught:
        await world.submit("other", validate_only=True)
    assert caught.value.violations[0].field == "analysis_job.spec.model.uri"
    assert caught.value.metadata["cause"] == "INPUT_UNSUPPORTED"


async def test_what_the_request_is_not_to_blame_for_is_no_error_of_the_request(world):
    world.preflight.end = OutOfMemory("the cluster has no room")
    with pytest.raises(OutOfMemory):
        await world.submit(validate_only=True)


async def test_more_validations_than_may_run_are_told_to_come_again(world):
    world.preflight.end = None
    running = [asyncio.create_task(world.submit(validate_only=True)) for _ in range(2)]
    await until(lambda: world.preflight.running == 2)
    with pytest.raises(Overloaded):
        await world.submit(validate_only=True)
    assert (await world.submit("other")).id == "other"
    world.preflight.end = analysis().resolved_inputs
    await asyncio.gather(*running)
    assert await world.submit(validate_only=True)


async def test_a_validation_ends_with_its_call_and_its_place_is_free_once_it_has(world):
    world.preflight.end = None
    running = [asyncio.create_task(world.submit(validate_only=True)) for _ in range(2)]
    await until(lambda: world.preflight.running == 2)
    for each in running:
        each.cancel()
    await until(lambda: world.preflight.running == 0)
    world.preflight.end = analysis().resolved_inputs
    assert await world.submit(validate_only=True)


async def test_a_drained_service_ends_its_validations(world):
    world.preflight.end = None
    running = asyncio.create_task(world.submit(validate_only=True))
    await until(lambda: world.preflight.running)
    world.jobs.drain()
    with pytest.raises(Draining):
        await running


@pytest.mark.parametrize("ttl", [0.0, -1.0, 1e12])
async def test_a_life_out_of_bounds_is_refused(world, ttl):
    with pytest.raises(InvalidRequest) as caught:
        await world.submit(ttl_seconds=ttl)
    assert caught.value.violations[0].field == "analysis_job.ttl"


async def test_an_end_in_the_past_is_refused(world):
    past = world.clock.now() - timedelta(seconds=1)
    with pytest.raises(InvalidRequest, match="expire_time"):
        await world.submit(expire_time=past)


async def test_settings_are_changed_under_the_etag(world):
    job = await world.submit()
    changed = await world.jobs.update(NAME, {"labels": {"team": "solar"}}, etag=job.etag)
    assert changed.settings == Settings(labels={"team": "solar"})
    with pytest.raises(EtagMismatch):
        await world.jobs.update(NAME, {"labels": {}}, etag=job.etag)


async def test_the_life_of_a_finished_job_is_counted_from_its_end(world):
    job = succeed(world.store, example_job(), world.clock.now())
    changed = await world.jobs.update(NAME, {"ttl_seconds": 60.0}, etag="")
    assert changed.expire_time == job.end_time + timedelta(seconds=60)


async def test_the_time_of_a_cancelled_job_is_not_negative_where_the_clock_is_behind(world):
    await world.submit()
    world.clock.advance(-5)
    await world.jobs.cancel(NAME, "")
    (finished,) = [each for each in world.events if isinstance(each, JobFinished)]
    assert finished.seconds == 0


async def test_a_waiting_job_is_cancelled_at_once(world):
    await world.submit()
    job = await world.jobs.cancel(NAME, "not needed")
    assert (job.state, job.error.message) == (JobState.CANCELLED, "not needed")
    assert (await world.jobs.cancel(NAME, "again")) == job


async def test_a_finished_job_cannot_be_cancelled(world):
    succeed(world.store, example_job(), world.clock.now())
    with pytest.raises(WrongState):
        await world.jobs.cancel(NAME, "")


async def test_only_a_finished_job_is_deleted(world):
    await world.submit()
    with pytest.raises(WrongState):
        await world.jobs.delete(NAME, etag="", allow_missing=False)
    await world.jobs.cancel(NAME, "")
    with pytest.raises(EtagMismatch):
        await world.jobs.delete(NAME, etag="another", allow_missing=False)
    await world.jobs.delete(NAME, etag="", allow_missing=False)
    with pytest.raises(NotFound):
        await world.jobs.delete(NAME, etag="", allow_missing=False)
    await world.jobs.delete(NAME, etag="", allow_missing=True)


async def test_there_is_no_result_before_success(world):
    await world.submit()
    with pytest.raises(NoResult) as caught:
        await world.jobs.result(NAME)
    assert caught.value.metadata == {"name": NAME, "state": "PENDING"}


async def test_a_service_that_goes_down_takes_no_jobs(world):
    world.jobs.drain()
    with pytest.raises(Draining):
        await world.submit()


async def test_one_label_is_changed_without_touching_the_others(world):
    await world.submit(settings=Settings(labels={"team": "solar", "a.b": "c"}))
    changed = await world.jobs.update(
        NAME, {"labels.team": "wind", "labels.a.b": None, "labels.none": None}, etag=""
    )
    assert changed.settings.labels == {"team": "wind"}


@pytest.mark.parametrize(
    ("before", "changes", "field"),
    [
        ({"labels": {f"l{i}": "" for i in range(64)}}, {"labels.more": ""}, "labels"),
        ({"annotations": {"a": "x" * 16_000}}, {"annotations.b": "x" * 400}, "annotations"),
    ],
)
async def test_entries_that_are_too_many_together_are_refused(world, before, changes, field):
    job = await world.submit(settings=Settings(**before))
    with pytest.raises(InvalidRequest) as caught:
        await world.jobs.update(NAME, changes, etag="")
    assert [each.field for each in caught.value.violations] == [f"analysis_job.{field}"]
    assert await world.jobs.get(NAME) == job


async def test_an_etag_outlives_progress_and_no_other_change(world):
    job = await world.submit()
    now = world.clock.now()
    claimed = world.store.claim("worker", timedelta(seconds=60))
    assert claimed.etag != job.etag
    world.store.renew(NAME, "worker", timedelta(seconds=60), Progress(update_time=now))
    assert (await world.jobs.get(NAME)).etag == claimed.etag


async def test_a_result_that_is_removed_while_it_is_read_is_not_found(world):
    job = succeed(world.store, example_job(), world.clock.now())
    with pytest.raises(InternalError):  # nobody has written one
        await world.jobs.result(NAME)
    world.store.delete(NAME, lambda _: None)
    with pytest.raises(NotFound):
        await world.jobs.matrix(job, "shared/cosine")
    await world.submit()
    with pytest.raises(NotFound, match="another job has its name"):
        await world.jobs.matrix(job, "shared/cosine")
