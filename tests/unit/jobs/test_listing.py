"""Listings, page by page."""

import pytest

from interference_service.errors import InvalidRequest, InvalidToken


def listed(world, **changes):
    given = {
        "page_size": 0,
        "page_token": "",
        "filter_text": "",
        "order_by": "",
        "principal": "alice",
    } | changes
    return world.jobs.list("default", **given)


async def test_pages_follow_each_other_without_gaps(world):
    for index in range(7):
        await world.submit(f"job-{index}")
        world.clock.advance(1)
    seen, token = [], ""
    while True:
        jobs, token = await listed(world, page_size=3, page_token=token)
        seen += [job.id for job in jobs]
        if not token:
            break
    assert seen == [f"job-{index}" for index in reversed(range(7))]


async def test_a_page_token_is_bound_to_its_listing(world):
    for index in range(3):
        await world.submit(f"job-{index}")
    _, token = await listed(world, page_size=1)
    for changes in ({"order_by": "end_time"}, {"filter_text": "state=FAILED"}, {"principal": "b"}):
        with pytest.raises(InvalidToken):
            await listed(world, page_size=1, page_token=token, **changes)


async def test_a_negative_page_size_is_refused(world):
    with pytest.raises(InvalidRequest, match="page_size"):
        await listed(world, page_size=-1)


async def test_a_page_token_is_good_for_three_days_and_no_longer(world):
    for index in range(3):
        await world.submit(f"job-{index}")
    _, token = await listed(world, page_size=1)
    world.clock.advance(3 * 86_400)
    _, later = await listed(world, page_size=1, page_token=token)
    world.clock.advance(1)
    with pytest.raises(InvalidToken, match="older than 3 days"):
        await listed(world, page_size=1, page_token=token)
    jobs, _ = await listed(world, page_size=1, page_token=later)
    assert [job.id for job in jobs] == ["job-0"]
