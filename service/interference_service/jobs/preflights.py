"""Trials of what is submitted with ``validate_only``: few at once, each ended with its call."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from interference_service.domain.job import ResolvedInputs
from interference_service.domain.ports import Preflight
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import Overloaded


class Preflights:
    """Runs pre-flights in threads of their own, so that they take none of the store's."""

    def __init__(self, preflight: Preflight, at_once: int) -> None:
        """Run none yet.

        Args:
            preflight: What is run.
            at_once: How many may run; those that were given up count until they have ended.
        """
        self._preflight = preflight
        self._at_once = at_once
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="preflight")
        self._running: set[threading.Event] = set()

    def stop(self) -> None:
        """End all that run."""
        for each in self._running:
            each.set()

    async def check(self, specification: AnalysisSpecification) -> ResolvedInputs:
        """See ``ports.Preflight.check``; a caller who goes away ends it.

        Raises:
            Overloaded: As many run as may.
            AnalysisError: See ``ports.Preflight.check``.
        """
        if len(self._running) >= self._at_once:
            raise Overloaded(
                f"{self._at_once} submissions are being validated, as many as this server does at "
                "once; try again in a moment, or submit the job"
            )
        stop = threading.Event()
        self._running.add(stop)
        check = partial(self._preflight.check, specification, stop)
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, contextvars.copy_context().run, check
        )
        work.add_done_callback(partial(self._ended, stop))
        try:
            await asyncio.wait({work})  # which a caller who goes away leaves alone
            return work.result()
        finally:
            stop.set()

    def _ended(self, stop: threading.Event, work: "asyncio.Future[ResolvedInputs]") -> None:
        self._running.discard(stop)
        if not work.cancelled():
            work.exception()  # or it would be logged as a defect where the caller is gone
