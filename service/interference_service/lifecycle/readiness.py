"""Whether the service is ready: what it depends on is there, and it is not going down."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from interference_service.domain.events import DependencySeen, ReadinessSeen
from interference_service.domain.ports import EventSink
from interference_service.lifecycle.dependency import Dependency, Rhythm

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 0.2
_STARTING = "the service starts"
_GOING_DOWN = "the service goes down"

Announce = Callable[[bool], Awaitable[None]]
"""Tells those who ask over gRPC whether the service is ready."""


class Readiness:
    """Follows the dependencies and announces what changes, until it is withdrawn for good."""

    def __init__(
        self,
        dependencies: Mapping[str, Callable[[], object]],
        *,
        rhythm: Rhythm,
        sink: EventSink,
    ) -> None:
        """Ask nothing yet.

        Args:
            dependencies: By name, how each is asked; see ``Dependency``.
            rhythm: When they are asked.
            sink: Is told what is there.
        """
        self._dependencies = [Dependency(name, ask, rhythm) for name, ask in dependencies.items()]
        self._sink = sink
        self._withdrawn = False
        self._told: str | None = None

    def why_not(self) -> str:
        """What keeps the service from being ready, for any thread; empty if nothing does."""
        return _STARTING if self._told is None else self._reason()

    def _reason(self) -> str:
        if self._withdrawn:
            return _GOING_DOWN
        missing = [each.name for each in self._dependencies if not each.there]
        return f"not there: {', '.join(missing)}" if missing else ""

    async def follow(self, announce: Announce) -> None:
        """Announce changes until cancelled."""
        for each in self._dependencies:
            each.start()
        try:
            while True:
                await self._tell(announce)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            for each in self._dependencies:
                each.stop()

    async def withdraw(self, announce: Announce) -> None:
        """Never be ready again, announced on return."""
        self._withdrawn = True
        await self._tell(announce)

    async def _tell(self, announce: Announce) -> None:
        for each in self._dependencies:
            self._sink.emit(DependencySeen(each.name, each.there))
        reason = self._reason()
        if reason == self._told:
            return
        self._told = reason
        self._sink.emit(ReadinessSeen(not reason))
        await announce(not reason)
        _log.info("readiness_changed", ready=not reason, reason=reason)
