"""The tasks of one analysis."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from interference_service.compute import cluster
from interference_service.compute.calls import Ref, Refs, Submit, run_tasks, value
from interference_service.domain.ports import Cancellation, EventSink


def _unheard() -> None:
    """Takes no notice of a finished task."""


Done: TypeAlias = Callable[[], None]
"""Called after every finished task."""


class Tasks:
    """Runs tasks as often as their workers are lost, within bounds, until told to stop."""

    def __init__(self, *, max_tries: int, cancellation: Cancellation, sink: EventSink) -> None:
        self._max_tries = max_tries
        self._cancellation = cancellation
        self._sink = sink

    def run(self, submissions: Sequence[Submit], *, what: str, done: Done | None = None) -> Refs:
        """References of the payloads of tasks that have one each; see ``calls.run_tasks``."""
        return [refs[0] for refs in self.run_all(submissions, what=what, done=done)]

    def run_all(
        self, submissions: Sequence[Submit], *, what: str, done: Done | None = None
    ) -> list[Refs]:
        """References of all payloads of every task."""
        return run_tasks(
            submissions,
            what=what,
            in_flight=cluster.num_cpus(),
            max_tries=self._max_tries,
            cancellation=self._cancellation,
            sink=self._sink,
            done=done or _unheard,
        )

    def values(
        self, submissions: Sequence[Submit], *, what: str, done: Done | None = None
    ) -> list[Any]:
        """The payloads of tasks."""
        return [self.value(ref) for ref in self.run(submissions, what=what, done=done)]

    def value(self, ref: Ref) -> Any:
        """The payload of a finished task; see ``calls.value``."""
        return value(ref, self._cancellation)
