"""Tells waiting coroutines that a job changed; only a hint, the store has the truth."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Notices:
    """Wakes those who wait for a job of this process.

    Changes by another replica bring no notice, so every waiter also looks by itself now and then.
    """

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def subscribe(self, name: str) -> Iterator[asyncio.Event]:
        """Register a waiter.

        Yields:
            An event that is set at every notice; the waiter clears it before it looks.
        """
        event = asyncio.Event()
        self._waiting[name].add(event)
        try:
            yield event
        finally:
            self._waiting[name].discard(event)
            if not self._waiting[name]:
                del self._waiting[name]

    def notify(self, name: str) -> None:
        """Wake everybody who waits for the job; called in the event loop."""
        for event in self._waiting.get(name, ()):
            event.set()

    def notify_all(self) -> None:
        """Wake everybody."""
        for name in tuple(self._waiting):
            self.notify(name)


async def wait_set(event: asyncio.Event, timeout_seconds: float) -> bool:
    """Wait for an event at most so long; returns whether it is set."""
    try:
        async with asyncio.timeout(max(timeout_seconds, 0)):
            return await event.wait()
    except TimeoutError:
        return False
