"""Looking at what is submitted: few looks at once, each ended with its call."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

from interference_service.domain.ports import Cancellation
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import CallTimeout, Overloaded

Found = TypeVar("Found")


class Inspections(Generic[Found]):
    """Runs them in threads of their own: a bucket that hangs takes none of the job store's.

    Args:
        inspect: What is run, in a thread; told to stop once its caller is gone.
        at_once: How many may run; those that were given up count until they have ended.
        seconds: How long a caller waits; None: as long as the call may last.
    """

    def __init__(
        self,
        inspect: Callable[[AnalysisSpecification, Cancellation], Found],
        at_once: int,
        *,
        seconds: float | None = None,
    ) -> None:
        self._inspect = inspect
        self._at_once = at_once
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="inspection")
        self._running: set[threading.Event] = set()

    def stop(self) -> None:
        """End all that run."""
        for each in self._running:
            each.set()

    async def of(self, specification: AnalysisSpecification) -> Found:
        """What an inspection finds; a caller who goes away ends it.

        Raises:
            Overloaded: As many run as may.
            CallTimeout: It takes too long.
            AnalysisError: What the inspection raises.
        """
        if len(self._running) >= self._at_once:
            raise Overloaded(
                f"{self._at_once} submissions are being looked at, as many as this server looks "
                "at at once; try again in a moment"
            )
        stop = threading.Event()
        self._running.add(stop)
        inspect = partial(self._inspect, specification, stop)
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, contextvars.copy_context().run, inspect
        )
        work.add_done_callback(partial(self._ended, stop))
        try:
            # Which leaves the work alone where the caller goes away.
            done, _ = await asyncio.wait({work}, timeout=self._seconds)
            if not done:
                raise CallTimeout(
                    f"the stores that the job names did not answer within {self._seconds:g} s; "
                    "nothing was made, so try again once they do"
                )
            return work.result()
        finally:
            stop.set()

    def _ended(self, stop: threading.Event, work: "asyncio.Future[Found]") -> None:
        self._running.discard(stop)
        if not work.cancelled():
            work.exception()  # or it would be logged as a defect where the caller is gone
