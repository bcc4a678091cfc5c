"""Worker side of traces: when a call ran, told in its answer.

So a worker needs neither the network of who collects traces nor its secrets, and what it has told
is not lost when its process is killed.
"""

import functools
import os
import socket
import time
from collections.abc import Callable
from typing import Any, ParamSpec

from interference_service.domain.events import Work

_Arguments = ParamSpec("_Arguments")


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started = time.time()
        self._begin = time.perf_counter()

    def work(self) -> Work:
        """What was done until now."""
        seconds = time.perf_counter() - self._begin
        return Work(self._name, self._started, seconds, socket.gethostname(), os.getpid())


def timed(
    function: Callable[_Arguments, tuple[Any, ...]],
) -> Callable[_Arguments, tuple[Any, ...]]:
    """The same function, whose summary says when it ran.

    Args:
        function: Returns nothing as its summary, then its payloads.
    """

    @functools.wraps(function)
    def measured(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> tuple[Any, ...]:
        stopwatch = Stopwatch(function.__name__)
        _, *payloads = function(*arguments, **named)
        return stopwatch.work(), *payloads

    return measured
