"""How the service goes down so that nobody loses anything."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from interference_service.jobs.notices import wait_set

_log = structlog.get_logger(__name__)
_HAND_BACK_SECONDS = 5.0
"""An analysis that has not stopped so long after it was told to is handed back as it is."""
_BOUND_SECONDS = 10.0
"""For all that has no time of its own: the store, keepers, actors, and a local cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainTimes:
    """How long each part may take."""

    announce_seconds: float
    """The service answers as before, while it says that it is not ready."""
    job_seconds: float
    """Running jobs may come to their end, before they are handed back."""
    call_seconds: float
    """Calls in flight may come to their end, before they are cut."""

    @property
    def most_seconds(self) -> float:
        """The process does not outlive a signal by more."""
        slowest = max(self.job_seconds + _HAND_BACK_SECONDS, self.call_seconds)
        return self.announce_seconds + slowest + _BOUND_SECONDS

    @property
    def hurried_seconds(self) -> float:
        """Nor the second one."""
        return _HAND_BACK_SECONDS + _BOUND_SECONDS


class Server(Protocol):
    """What takes the calls."""

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new calls at once, and cut those that run after a while."""


class Jobs(Protocol):
    """The use cases."""

    def drain(self) -> None:
        """Take no more jobs and end every watch; clients resume elsewhere."""


class Runner(Protocol):
    """What runs the jobs."""

    def drain(self) -> None:
        """Claim no more jobs."""

    def stop(self) -> None:
        """Tell those that run to stop and go back to the queue."""

    def abandon(self) -> None:
        """Hand back those that do not stop."""


async def drain(
    *,
    withdraw: Callable[[], Awaitable[None]],
    server: Server,
    jobs: Jobs,
    runner: Runner,
    running: "asyncio.Future[None]",
    times: DrainTimes,
    hurried: asyncio.Event,
) -> None:
    """Go down.

    Args:
        withdraw: Says that the service is not ready.
        server: What takes the calls.
        jobs: The use cases.
        runner: What runs the jobs.
        running: Is done once no job runs.
        times: How long each part may take.
        hurried: Once set, what may still wait does not.
    """
    _log.info("draining", announce_seconds=times.announce_seconds, job_seconds=times.job_seconds)
    await withdraw()
    runner.drain()
    await wait_set(hurried, times.announce_seconds)
    jobs.drain()
    await asyncio.gather(
        _end_calls(server, times.call_seconds, hurried),
        _end_jobs(runner, running, times.job_seconds, hurried),
    )
    _log.info("drained")


async def _end_calls(server: Server, seconds: float, hurried: asyncio.Event) -> None:
    stopping = asyncio.ensure_future(server.stop(seconds))
    await _within(stopping, seconds, hurried)
    if hurried.is_set():
        await server.stop(0)
    await stopping


async def _end_jobs(
    runner: Runner, running: "asyncio.Future[None]", seconds: float, hurried: asyncio.Event
) -> None:
    await _within(running, seconds, hurried)
    runner.stop()
    await asyncio.wait({running}, timeout=_HAND_BACK_SECONDS)
    if not running.done():
        _log.error("jobs_do_not_stop", seconds=_HAND_BACK_SECONDS)
        runner.abandon()
    await running


async def _within(work: "asyncio.Future[Any]", seconds: float, hurried: asyncio.Event) -> None:
    """Wait until it is done, the time is over or there is haste."""
    haste = asyncio.ensure_future(hurried.wait())
    try:
        await asyncio.wait({work, haste}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        haste.cancel()
