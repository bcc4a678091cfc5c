"""SIGTERM and SIGINT, sent to this very process."""

import asyncio
import os
import signal

import pytest

from interference_service.lifecycle.drain import DrainTimes
from interference_service.lifecycle.signals import StopSignals

TIMES = DrainTimes(announce_seconds=1, job_seconds=2, call_seconds=3)


class Armed(list):
    def arm(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture(autouse=True)
def handlers_as_they_were():
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("first", "second"), [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)]
)
async def test_the_first_asks_for_the_end_and_the_second_for_haste(first, second):
    armed = Armed()
    signals = StopSignals(armed, TIMES)
    os.kill(os.getpid(), first)
    await asyncio.wait_for(signals.stopping.wait(), 10)
    assert not signals.hurried.is_set()
    os.kill(os.getpid(), second)
    await asyncio.wait_for(signals.hurried.wait(), 10)
    assert armed == [TIMES.most_seconds, TIMES.hurried_seconds]
