"""SIGTERM and SIGINT: the first asks for the end, the second for haste."""

import asyncio
import signal
from types import FrameType

import structlog

from interference_service.lifecycle.deadline import Deadline
from interference_service.lifecycle.drain import DrainTimes

_log = structlog.get_logger(__name__)


class StopSignals:
    """Listens to both; each bounds the time to the end of the process, the second more closely."""

    def __init__(self, deadline: Deadline, times: DrainTimes) -> None:
        """Listen from now on; in the main thread, with the loop running.

        Args:
            deadline: Is armed.
            times: Tell the bounds.
        """
        self.stopping = asyncio.Event()
        self.hurried = asyncio.Event()
        self._deadline = deadline
        self._times = times
        self._loop = asyncio.get_running_loop()
        self._received = 0
        # Not by the loop's own handlers: the bound must hold where the loop does not turn.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._receive)

    def _receive(self, number: int, _: FrameType | None) -> None:
        self._received += 1
        first = self._received == 1
        self._deadline.arm(self._times.most_seconds if first else self._times.hurried_seconds)
        if self._loop.is_closed():  # All is done but the way out of the process.
            return
        self._loop.call_soon_threadsafe(self._tell, signal.Signals(number).name, first)

    def _tell(self, name: str, first: bool) -> None:
        _log.info("stop_requested" if first else "haste_requested", signal=name)
        (self.stopping if first else self.hurried).set()
