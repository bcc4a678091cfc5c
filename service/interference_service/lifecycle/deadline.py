"""The last resort: a process that has been told to end does so, whatever its threads do."""

import logging
import math
import os
import signal
import sys
import threading
import time
from types import FrameType

import structlog

_log = structlog.get_logger(__name__)
_STATUS = 1
_KERNEL_SECONDS = 5
"""So much later the kernel does it, should no Python code run any more."""


class Deadline:
    """Ends the process at a time, with a line in the log that says what it did meanwhile.

    Two things do it: a thread; and the alarm of the kernel, for a process whose threads all wait
    for one that holds the interpreter, or that hangs after the interpreter has ended.
    """

    def __init__(self) -> None:
        self._end = math.inf
        self._timer: threading.Timer | None = None

    def arm(self, seconds: float) -> None:
        """End the process after so long, or at a time that was set before if that is sooner.

        Called in the main thread.
        """
        end = time.monotonic() + seconds
        if end >= self._end:
            return
        self._end = end
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, _end_by_force, (seconds,))
        self._timer.daemon = True
        self._timer.start()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(math.ceil(seconds) + _KERNEL_SECONDS)


def _end_by_force(seconds: float) -> None:
    try:
        _log.critical("ended_by_force", seconds=seconds, threads=_what_threads_do())
        for handler in logging.root.handlers:
            handler.flush()
    finally:
        os._exit(_STATUS)


def _what_threads_do() -> dict[str, str]:
    """Where each thread is, by its name; without arguments, which may be secret."""
    frames = sys._current_frames()
    own = threading.get_ident()
    return {
        each.name: _place(frames[each.ident])
        for each in threading.enumerate()
        if each.ident in frames and each.ident != own
    }


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_qualname} at {frame.f_code.co_filename}:{frame.f_lineno}"
