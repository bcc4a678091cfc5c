"""A service is whole, or it ends."""

import asyncio
from types import SimpleNamespace

import pytest

from interference_service.lifecycle.dependency import Rhythm
from interference_service.lifecycle.drain import DrainTimes
from interference_service.lifecycle.event_loop import LoopWatch
from interference_service.lifecycle.life import Life
from interference_service.lifecycle.readiness import Readiness
from support.waiting import until

TIMES = DrainTimes(announce_seconds=0.0, job_seconds=0.0, call_seconds=0.0)


class Parts:
    """Everything that lives, as one fake; notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.signals = SimpleNamespace(stopping=asyncio.Event(), hurried=asyncio.Event())
        self.ended = asyncio.Event()
        self.error: Exception | None = None
        server = SimpleNamespace(start=self._start, stop=self._stop, set_serving=self._serving)
        runner = SimpleNamespace(
            run=self._run, drain=lambda: None, stop=self.ended.set, abandon=lambda: None
        )
        self.life = Life(
            server=server,
            jobs=SimpleNamespace(drain=lambda: self.heard.append("drain")),
            runner=runner,
            chores=(self._chore,),
            readiness=Readiness({}, rhythm=Rhythm(), sink=self),
            loop_watch=LoopWatch(self),
            times=TIMES,
        )

    def emit(self, _: object) -> None:
        pass

    async def _start(self) -> None:
        self.heard.append("start")

    async def _stop(self, _: float) -> None:
        self.heard.append("stop")

    async def _serving(self, ready: bool) -> None:
        self.heard.append(ready)

    async def _run(self) -> None:
        await self.ended.wait()
        if self.error is not None:
            raise self.error

    async def _chore(self, stopping: asyncio.Event) -> None:
        await stopping.wait()

    async def lead(self) -> None:
        async def serving() -> None:
            self.heard.append("serving")

        await asyncio.wait_for(self.life.lead(self.signals, serving), 20)


@pytest.fixture
async def parts():
    return Parts()


async def test_it_serves_until_it_is_told_to_end(parts):
    task = asyncio.create_task(parts.lead())
    await until(lambda: True in parts.heard and "serving" in parts.heard)
    assert not task.done()
    parts.signals.stopping.set()
    await task
    assert parts.heard[0] == "start"
    assert parts.heard[-3:] == [False, "drain", "stop"]


async def test_a_part_that_breaks_ends_the_whole(parts):
    parts.error = RuntimeError("the runner is broken")
    task = asyncio.create_task(parts.lead())
    await until(lambda: "serving" in parts.heard)
    parts.ended.set()
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="is broken")):
        await task
