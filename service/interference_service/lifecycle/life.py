"""From the first call to the last."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from interference_service.jobs.runner import JobRunner
from interference_service.jobs.service import AnalysisJobs
from interference_service.lifecycle.drain import DrainTimes, drain
from interference_service.lifecycle.event_loop import LoopWatch
from interference_service.lifecycle.readiness import Readiness
from interference_service.lifecycle.signals import StopSignals
from interference_service.rpc.server import RpcServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What lives in the event loop of the service."""

    server: RpcServer
    jobs: AnalysisJobs
    runner: JobRunner
    chores: Sequence[Callable[[asyncio.Event], Coroutine[Any, Any, None]]]
    """Run beside until the event is set."""
    readiness: Readiness
    loop_watch: LoopWatch
    times: DrainTimes

    async def lead(self, signals: StopSignals, serving: Callable[[], Awaitable[None]]) -> None:
        """Serve until a signal asks for the end, and go down.

        A part that ends with an error ends the whole: half of a service would look like one.

        Args:
            signals: Ask for the end.
            serving: Called once the service answers.
        """
        async with asyncio.TaskGroup() as parts:
            await self.server.start()
            watches = [
                parts.create_task(self.loop_watch.run()),
                parts.create_task(self.readiness.follow(self.server.set_serving)),
            ]
            for chore in self.chores:
                parts.create_task(chore(signals.stopping))
            running = parts.create_task(self.runner.run())
            await serving()
            await signals.stopping.wait()
            await drain(
                withdraw=partial(self.readiness.withdraw, self.server.set_serving),
                server=self.server,
                jobs=self.jobs,
                runner=self.runner,
                running=running,
                times=self.times,
                hurried=signals.hurried,
            )
            for each in watches:
                each.cancel()
