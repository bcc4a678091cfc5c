"""Places for streams."""

from contextlib import aclosing

import pytest

from interference_service.domain.events import (
    QuotaRefused,
    StreamClosed,
    StreamOpened,
)
from interference_service.domain.quotas import Quota, Quotas, StreamKind
from interference_service.errors import NotFound, QuotaExceeded
from interference_service.jobs.quotas import QuotaKeeper
from interference_service.jobs.streams import Streams

WATCH, MATRICES = StreamKind.WATCH, StreamKind.MATRICES


@pytest.fixture
def streams(world):
    quotas = Quotas(default=Quota(max_watches=2, max_matrix_streams=1))
    return Streams(QuotaKeeper(quotas, world), world)


async def numbers(error: Exception | None = None):
    if error is not None:
        raise error
    for number in range(1000):
        yield number


async def opened(streams, project="solar", kind=WATCH):
    stream = streams.limited(project, kind, numbers())
    assert await anext(stream) == 0
    return stream


async def test_a_stream_tells_all_its_parts(streams, world):
    async with aclosing(streams.limited("solar", WATCH, numbers())) as stream:
        assert [part async for part in stream] == list(range(1000))
    assert world.events == [StreamOpened(WATCH), StreamClosed(WATCH)]


async def test_a_project_opens_no_more_streams_of_a_kind_than_it_may(streams, world):
    watches = [await opened(streams) for _ in range(2)]
    with pytest.raises(QuotaExceeded) as caught:
        await opened(streams)
    assert caught.value.metadata == {"project": "solar", "limit": "max_watches", "allowed": "2"}
    assert caught.value.retry_after_seconds == 5.0
    assert QuotaRefused("solar", "max_watches") in world.events
    others = [await opened(streams, "wind"), await opened(streams, kind=MATRICES)]
    with pytest.raises(QuotaExceeded):
        await opened(streams, kind=MATRICES)
    for each in (*watches, *others):
        await each.aclose()


async def test_a_stream_that_ends_makes_room(streams):
    first, second = await opened(streams), await opened(streams)
    await first.aclose()
    third = await opened(streams)
    await second.aclose()
    await third.aclose()
    assert not streams._open


async def test_what_else_is_wrong_is_told_first_and_takes_no_place(streams, world):
    watches = [await opened(streams) for _ in range(2)]
    with pytest.raises(NotFound):
        await anext(streams.limited("solar", WATCH, numbers(NotFound("no"))))
    for each in watches:
        await each.aclose()
    assert world.events.count(StreamOpened(WATCH)) == 2
