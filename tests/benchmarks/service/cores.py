"""Which processes run on which cores: the service has one of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self

import psutil

_NICE = 10


@dataclass(frozen=True, slots=True)
class Cores:
    """Of this machine.

    Attributes:
        service: Of the service's process alone.
        clients: Of the clients.
        ray: Of Ray's processes; without a third core that of the clients, at a lower priority.
    """

    service: set[int]
    clients: set[int]
    ray: set[int]

    @classmethod
    def found(cls) -> Self:
        """Those that this process may use.

        Raises:
            SystemExit: There are fewer than two.
        """
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) < 2:
            raise SystemExit("the service and its clients need a core each; this machine has one")
        first, second, *others = usable
        return cls({first}, {second}, set(others) or {second})

    @contextmanager
    def for_the_service(self) -> Iterator[None]:
        """Processes that are started meanwhile run on the service's core."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.service)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def set_ray_apart(self, service: int) -> None:
        """Move all that a service has started, with what that starts in its turn."""
        for process in psutil.Process(service).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.nice(_NICE)
                for thread in process.threads():
                    with suppress(ProcessLookupError):
                        os.sched_setaffinity(thread.id, self.ray)
