"""Ready while what the service depends on is there."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from interference_service.domain.events import DependencySeen, ReadinessSeen
from interference_service.lifecycle.dependency import Rhythm
from interference_service.lifecycle.readiness import Readiness
from support.waiting import until

FAST = Rhythm(every_seconds=0.01, answer_seconds=0.2, failures=3, successes=2)


class Store:
    """Answers, fails or hangs, as the test says."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.asked = 0
        self.waiting = 0

    def ping(self) -> None:
        self.asked += 1
        self.waiting += 1
        self.answers.wait()
        self.waiting -= 1
        if self.error is not None:
            raise self.error


class World:
    def __init__(self) -> None:
        self.store, self.cluster = Store(), Store()
        self.told: list[bool] = []
        self.events: list[object] = []
        self.readiness = Readiness(
            {"store": self.store.ping, "cluster": self.cluster.ping}, rhythm=FAST, sink=self
        )

    def emit(self, event: object) -> None:
        self.events.append(event)

    async def announce(self, ready: bool) -> None:
        self.told.append(ready)

    @asynccontextmanager
    async def followed(self):
        task = asyncio.create_task(self.readiness.follow(self.announce))
        try:
            await until(lambda: self.told)
            yield
        finally:
            self.store.answers.set()
            task.cancel()


@pytest.fixture
def world():
    return World()


async def test_it_is_not_ready_before_it_is_followed(world):
    assert world.readiness.why_not() == "the service starts"


async def test_it_is_ready_once_followed_and_says_so_once(world):
    async with world.followed():
        await until(lambda: world.store.asked > 10)
        assert world.readiness.why_not() == ""
    assert world.told == [True]


async def test_what_fails_is_named_and_what_is_back_makes_it_ready_again(world):
    async with world.followed():
        world.cluster.error = OSError("password=1")
        await until(lambda: world.told == [True, False])
        assert world.readiness.why_not() == "not there: cluster"
        world.cluster.error = None
        await until(lambda: world.told == [True, False, True])
        assert world.readiness.why_not() == ""
    assert [each.ready for each in world.events if isinstance(each, ReadinessSeen)] == world.told
    assert DependencySeen("cluster", False) in world.events
    assert DependencySeen("store", False) not in world.events


async def test_a_single_failure_changes_nothing(world):
    async with world.followed():
        for _ in range(3):
            world.store.error = OSError("gone")
            asked = world.store.asked
            await until(lambda asked=asked: world.store.asked > asked)
            world.store.error = None
            await until(lambda asked=asked: world.store.asked > asked + 3)
    assert world.told == [True]


async def test_a_question_that_hangs_is_a_failure_and_is_not_asked_twice(world):
    async with world.followed():
        world.store.answers.clear()
        await until(lambda: world.told == [True, False])
        assert world.readiness.why_not() == "not there: store"
        assert world.store.waiting == 1
        asked = world.cluster.asked
        await until(lambda: world.cluster.asked > asked + 5)
        assert world.store.waiting == 1
        world.store.answers.set()
        await until(lambda: world.told == [True, False, True])


async def test_what_is_withdrawn_never_comes_back(world):
    async with world.followed():
        await world.readiness.withdraw(world.announce)
        assert world.told == [True, False]
        asked = world.store.asked
        await until(lambda: world.store.asked > asked + 5)
    assert world.told == [True, False]
    assert world.readiness.why_not() == "the service goes down"
