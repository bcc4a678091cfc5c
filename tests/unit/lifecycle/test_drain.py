"""Going down: in which order, how long at most, and in haste."""

import asyncio

import pytest

from interference_service.lifecycle import drain as module
from interference_service.lifecycle.drain import DrainTimes, drain
from support.waiting import until

QUICK = DrainTimes(announce_seconds=0.0, job_seconds=0.0, call_seconds=0.0)
LONG = DrainTimes(announce_seconds=100.0, job_seconds=100.0, call_seconds=100.0)


class Parts:
    """Server, use cases and runner; notes in which order they are asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hurried = asyncio.Event()
        self.running = asyncio.get_running_loop().create_future()
        self.calls = asyncio.Event()
        self.jobs_stop = True
        self.jobs = self
        self.runner = Runner(self)

    async def withdraw(self) -> None:
        self.asked.append("withdraw")

    def drain(self) -> None:
        self.asked.append("refuse")

    async def stop(self, grace_seconds: float) -> None:
        self.asked.append(f"server {grace_seconds}")
        if grace_seconds:
            await self.calls.wait()
        self.calls.set()

    async def go_down(self, times: DrainTimes) -> None:
        await drain(
            withdraw=self.withdraw,
            server=self,
            jobs=self,
            runner=self.runner,
            running=self.running,
            times=times,
            hurried=self.hurried,
        )


class Runner:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def drain(self) -> None:
        self._parts.asked.append("claim no more")

    def stop(self) -> None:
        self._parts.asked.append("stop")
        if self._parts.jobs_stop:
            self.abandon()

    def abandon(self) -> None:
        if not self._parts.running.done():
            self._parts.asked.append("end")
            self._parts.running.set_result(None)


@pytest.fixture
async def parts():
    return Parts()


async def test_the_order(parts):
    await parts.go_down(QUICK)
    assert parts.asked == ["withdraw", "claim no more", "refuse", "server 0.0", "stop", "end"]


async def test_it_answers_while_it_announces_that_it_goes(parts):
    task = asyncio.create_task(parts.go_down(LONG))
    await until(lambda: parts.asked == ["withdraw", "claim no more"])
    parts.hurried.set()
    await task


async def test_haste_waits_for_nothing(parts):
    task = asyncio.create_task(parts.go_down(LONG))
    await until(lambda: parts.asked)
    parts.hurried.set()
    await asyncio.wait_for(task, 10)
    assert {"refuse", "server 100.0", "server 0", "stop", "end"} < set(parts.asked)


async def test_jobs_that_end_within_their_time_are_not_told_to_stop_before(parts):
    times = DrainTimes(announce_seconds=0.0, job_seconds=100.0, call_seconds=0.0)
    task = asyncio.create_task(parts.go_down(times))
    await until(lambda: "server 0.0" in parts.asked)
    assert "stop" not in parts.asked
    parts.running.set_result(None)
    await asyncio.wait_for(task, 10)


async def test_jobs_that_do_not_stop_are_abandoned(parts, monkeypatch):
    monkeypatch.setattr(module, "_HAND_BACK_SECONDS", 0.01)
    parts.jobs_stop = False
    await asyncio.wait_for(parts.go_down(QUICK), 10)
    assert parts.asked[-2:] == ["stop", "end"]


@pytest.mark.parametrize("times", [QUICK, LONG])
def test_there_is_a_bound_for_all_and_haste_has_a_closer_one(times):
    parts = times.announce_seconds + max(times.job_seconds, times.call_seconds)
    assert parts < times.most_seconds <= parts + 15
    assert times.hurried_seconds <= 15
