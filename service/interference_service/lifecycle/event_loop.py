"""Whether the event loop turns: a call that computes in it makes all others wait."""

import asyncio
import math
import time

import structlog

from interference_service.domain.events import LoopTurned
from interference_service.domain.ports import EventSink

_log = structlog.get_logger(__name__)
_TICK_SECONDS = 0.25
_LONG_SECONDS = 1.0
"""Stalls of at least so long are logged."""


class LoopWatch:
    """Measures by how much the loop is late; any thread may ask while it stalls."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._due = math.inf

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            self._due = time.monotonic() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            late = self.stalled_seconds()
            self._sink.emit(LoopTurned(late))
            if late >= _LONG_SECONDS:
                _log.warning("event_loop_stalled", seconds=round(late, 3))

    def stalled_seconds(self) -> float:
        """For how long the loop should have turned and has not; for any thread."""
        return max(0.0, time.monotonic() - self._due)


class Liveness:
    """Whether the process is worth keeping; knows nothing of what the service depends on."""

    def __init__(self, watch: LoopWatch, most_seconds: float) -> None:
        """Take a watch.

        Args:
            watch: Of the loop.
            most_seconds: A loop that stalls for longer will not turn again.
        """
        self._watch = watch
        self._most_seconds = most_seconds

    def why_not(self) -> str:
        """Why the process is to be restarted; empty: it is not."""
        stalled = self._watch.stalled_seconds()
        return f"the event loop stalls for {stalled:.0f} s" if stalled > self._most_seconds else ""
