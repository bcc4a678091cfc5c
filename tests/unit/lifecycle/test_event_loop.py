"""A loop that stalls is seen while it stalls, and afterwards."""

import asyncio
import threading
import time

from interference_service.domain.events import LoopTurned
from interference_service.lifecycle.event_loop import Liveness, LoopWatch
from support.waiting import until


class Lags(list):
    def emit(self, event: LoopTurned) -> None:
        self.append(event.late_seconds)


async def test_a_loop_that_turns_is_hardly_late():
    lags = Lags()
    watch = LoopWatch(lags)
    task = asyncio.create_task(watch.run())
    await until(lambda: len(lags) >= 3)
    task.cancel()
    assert min(lags) < 0.2
    assert Liveness(watch, most_seconds=10).why_not() == ""


async def test_a_stall_is_seen_by_another_thread_and_measured_by_the_loop():
    lags = Lags()
    watch = LoopWatch(lags)
    liveness = Liveness(watch, most_seconds=0.2)
    task = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    seen: list[str] = []

    def look() -> None:
        end = time.monotonic() + 20
        while not seen and time.monotonic() < end:
            if reason := liveness.why_not():
                seen.append(reason)

    looker = threading.Thread(target=look)
    looker.start()
    looker.join()  # The loop stands still until the other thread has seen it.
    assert seen[0].startswith("the event loop stalls for ")
    await until(lambda: lags)
    task.cancel()
    assert lags[0] > 0.2


def test_a_loop_that_has_not_begun_does_not_stall():
    assert LoopWatch(Lags()).stalled_seconds() == 0.0
