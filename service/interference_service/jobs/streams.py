"""Streams of responses: how many each project has open."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from interference_service.domain.events import StreamClosed, StreamOpened
from interference_service.domain.ports import EventSink
from interference_service.domain.quotas import StreamKind
from interference_service.jobs.quotas import BUSY_SECONDS, QuotaKeeper

Part = TypeVar("Part")


class Streams:
    """Counts the open streams of this process; used in the event loop alone.

    A reader that takes nothing holds its place until its stream is given up, so no project has more
    places than its own.
    """

    def __init__(self, keeper: QuotaKeeper, sink: EventSink) -> None:
        """Count none yet.

        Args:
            keeper: Knows how many may be open.
            sink: Is told of them.
        """
        self._keeper = keeper
        self._sink = sink
        self._open: Counter[tuple[str, StreamKind]] = Counter()

    async def limited(
        self, project: str, kind: StreamKind, parts: AsyncIterator[Part]
    ) -> AsyncGenerator[Part, None]:
        """Send the parts of a stream from a place of the project.

        The place is taken once there is a first part, so that whatever else is wrong with a request
        is told first.

        Args:
            project: Whose stream it is.
            kind: What it carries.
            parts: Ended by the caller.

        Yields:
            The parts.

        Raises:
            QuotaExceeded: The project has no place left.
        """
        with ExitStack() as place:
            taken = False
            async for part in parts:
                if not taken:
                    place.enter_context(self._place(project, kind))
                    taken = True
                yield part

    @contextmanager
    def _place(self, project: str, kind: StreamKind) -> Iterator[None]:
        limit, allowed = self._keeper.of(project).stream_limit(kind)
        key, count = (project, kind), self._open[project, kind]
        if allowed and count >= allowed:
            description = f"has {count} such streams open; end one, or wait for one to end"
            raise self._keeper.refusal(project, limit, allowed, description, BUSY_SECONDS)
        self._open[key] += 1
        self._sink.emit(StreamOpened(kind))
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
            self._sink.emit(StreamClosed(kind))
