"""What callers are told where their project has used up what it may."""

from datetime import timedelta

import pytest

from interference_service.domain.events import JobSubmitted, QuotaRefused
from interference_service.domain.job import JobState, Priority, Settings
from interference_service.domain.quotas import Quota, Quotas
from interference_service.errors import InvalidRequest, JobExists, QuotaExceeded
from interference_service.jobs.quotas import QuotaKeeper

NAME = "projects/default/analysisJobs/{}"
URGENT = Settings(priority=Priority.HIGH)


@pytest.fixture
def limited(world):
    """The world after its quotas are set."""

    def limit(**quota):
        world.quotas = Quotas(default=Quota(**quota))
        world.__post_init__()
        return world

    return limit


async def refused(world, **changes) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as caught:
        await world.submit(**changes)
    return caught.value


async def test_a_project_has_no_more_active_jobs_than_it_may(limited):
    world = limited(max_active_jobs=2)
    await world.submit("a")
    await world.submit("b")
    error = await refused(world, job_id="c")
    assert "project 'default' has 2 jobs that are not finished" in error.message
    assert error.metadata == {"project": "default", "limit": "max_active_jobs", "allowed": "2"}
    assert error.retry_after_seconds == 5.0
    assert world.events[-1] == QuotaRefused("default", "max_active_jobs")


async def test_another_project_is_not_concerned(limited):
    world = limited(max_active_jobs=1)
    await world.submit("a")
    await refused(world, job_id="b")
    assert (await world.submit("b", project="other")).project == "other"


async def test_a_job_that_has_ended_makes_room(limited):
    world = limited(max_active_jobs=1)
    await world.submit("a")
    await world.jobs.cancel(NAME.format("a"), "")
    await world.submit("b")
    claimed = world.store.claim("w", timedelta(seconds=10))
    await world.jobs.cancel(NAME.format("b"), "")
    assert (claimed.id, await world.state("b")) == ("b", "CANCELLING")
    await refused(world, job_id="c")  # a worker still has it
    world.store.change(
        NAME.format("b"), lambda job: job.to(JobState.CANCELLED, world.clock.now()), owner="w"
    )
    assert await world.submit("c")


async def test_a_project_submits_no_faster_than_it_may_and_is_told_when_to_come_again(limited):
    world = limited(submits_per_minute=60, submit_burst=2)
    await world.submit("a")
    await world.submit("b")
    world.clock.advance(0.25)
    error = await refused(world, job_id="c")
    assert error.retry_after_seconds == 0.75
    assert "in 0.75 s; submits_per_minute is 60" in error.message
    world.clock.advance(0.75)
    assert await world.submit("c")
    assert (await refused(world, job_id="d")).retry_after_seconds == 1.0


async def test_a_replay_and_a_taken_id_cost_nothing_and_are_never_refused(limited):
    world = limited(submits_per_minute=1, submit_burst=2, max_active_jobs=2)
    request = {"request_id": "r", "request_digest": "d"}
    first = await world.submit("a", **request)
    for _ in range(5):
        assert await world.submit("a", **request) == first
        with pytest.raises(JobExists):
            await world.submit("a")
    await world.submit("b")
    assert await world.submit("a", **request) == first
    with pytest.raises(JobExists):
        await world.submit("a")
    assert (await refused(world, job_id="c")).metadata["limit"] == "max_active_jobs"


async def test_what_does_not_fit_is_told_before_the_quota_and_costs_nothing(limited):
    world = limited(submits_per_minute=1, submit_burst=1)
    for _ in range(3):
        with pytest.raises(InvalidRequest):
            await world.submit("a", ttl_seconds=-1.0)
    await world.submit("a")
    with pytest.raises(InvalidRequest):
        await world.submit("b", ttl_seconds=-1.0)


async def test_a_refusal_takes_no_token(limited):
    world = limited(max_active_jobs=1, submits_per_minute=1, submit_burst=2)
    await world.submit("a")
    for _ in range(3):
        await refused(world, job_id="b")
    await world.jobs.cancel(NAME.format("a"), "")
    assert await world.submit("b")


@pytest.mark.parametrize(
    ("quota", "limit"),
    [({"max_active_jobs": 1}, "max_active_jobs"), ({"submit_burst": 1}, "submits_per_minute")],
)
async def test_a_validation_says_what_the_quota_would_and_costs_nothing(limited, quota, limit):
    world = limited(**quota)
    for _ in range(3):
        await world.submit("a", validate_only=True)
    await world.submit("a")
    error = await refused(world, job_id="b", validate_only=True)
    assert error.metadata["limit"] == limit
    assert error.retry_after_seconds > 0


async def test_a_priority_above_that_of_the_project_names_its_field(limited):
    world = limited(highest_priority=Priority.NORMAL)
    with pytest.raises(InvalidRequest) as caught:
        await world.submit("a", settings=URGENT)
    assert caught.value.violations[0].field == "analysis_job.priority"
    assert "PRIORITY_NORMAL" in caught.value.message
    await world.submit("a")
    with pytest.raises(InvalidRequest) as caught:
        await world.jobs.update(NAME.format("a"), {"priority": Priority.HIGH}, etag="")
    assert caught.value.violations[0].field == "analysis_job.priority"
    lower = await world.jobs.update(NAME.format("a"), {"priority": Priority.LOW}, etag="")
    assert lower.settings.priority is Priority.LOW


async def test_a_project_keeps_its_jobs_as_long_as_it_may(limited):
    world = limited(max_ttl_seconds=60.0)
    assert world.jobs.limits("default").max_ttl_seconds == 60.0
    with pytest.raises(InvalidRequest, match="at most 60 s"):
        await world.submit("a", ttl_seconds=61.0)
    silent = await world.submit("a")
    assert silent.ttl_seconds == 60.0
    own = await world.submit("b", expire_time=world.clock.now() + timedelta(seconds=59))
    assert own.ttl_seconds is None
    with pytest.raises(InvalidRequest, match="at most 60 s"):
        await world.jobs.update(NAME.format("a"), {"ttl_seconds": 61.0}, etag="")


async def test_a_quota_of_a_project_takes_from_the_default_what_it_does_not_say(world):
    quotas = Quotas(
        default=Quota(max_active_jobs=7, max_watches=3),
        projects={"solar": Quota(max_active_jobs=500)},
    )
    assert quotas.of("solar") == Quota(max_active_jobs=500, max_watches=3)
    assert quotas.of("wind") == Quota(max_active_jobs=7, max_watches=3)


async def test_large_limits_are_told_in_full(world):
    error = QuotaKeeper(Quotas(), world).refusal("solar", "max_watches", 1_000_000, "has all", 1.0)
    assert error.metadata["allowed"] == "1000000"


async def test_zero_is_no_limit(limited):
    world = limited(max_active_jobs=0, submits_per_minute=0, submit_burst=1)
    for index in range(20):
        await world.submit(f"job-{index}")
    assert world.events == [JobSubmitted(NAME.format(f"job-{index}")) for index in range(20)]
