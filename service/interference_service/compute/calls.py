"""Calls on the cluster with retries of our own, bounded, and an ear for cancellation.

Ray's retries are switched off: they fail calls that only stood in the queue behind a bad one, and
know no bound for lack of memory. Here an actor or slot has one call in flight, so what dies with
it is exactly the call that ran.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import ray
import structlog
from ray.exceptions import (
    GetTimeoutError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayTaskError,
    WorkerCrashedError,
)

from interference_service.domain.events import WorkerDied
from interference_service.domain.ports import Cancellation, EventSink
from interference_service.errors import Cancelled, OutOfMemory, ServiceError, WorkerLost

_log = structlog.get_logger(__name__)
_POLL_SECONDS = 0.1
_LOST = (RayActorError, WorkerCrashedError, ObjectLostError, NodeDiedError, OutOfMemoryError)

Ref: TypeAlias = "ray.ObjectRef[Any]"
Refs: TypeAlias = "list[Ref]"
"""What a call returns: first a small summary, then its payload."""
Submit: TypeAlias = Callable[[], Any]
"""Submits a call and returns its ``Refs``; Ray's stubs know only calls with one value."""


class Lost(Exception):
    """The worker of a call was lost; the call itself may be innocent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def settle(ref: Ref) -> Any:
    """The value of a finished call.

    Raises:
        Lost: Its worker, or what it needed, was lost.
        ServiceError: The call raised it.
        RayTaskError: The call raised something else.
    """
    try:
        return ray.get(ref)
    except RayTaskError as error:
        if isinstance(error.cause, ServiceError):
            raise error.cause from None
        if isinstance(error.cause, _LOST):
            raise Lost(_reason(error.cause)) from error
        raise
    except _LOST as error:
        raise Lost(_reason(error)) from error


def _reason(error: BaseException) -> str:
    return "out_of_memory" if isinstance(error, OutOfMemoryError) else "died"


class Attempts:
    """Counts how often each call lost its worker, and says when it was once too often."""

    def __init__(self, what: str, max_tries: int, sink: EventSink) -> None:
        self._what = what
        self._max_tries = max_tries
        self._sink = sink
        self._lost: Counter[int] = Counter()

    def lost(self, index: int, loss: Lost) -> None:
        """Note a loss.

        Raises:
            OutOfMemory: The call was lost too often, the last time for memory.
            WorkerLost: The call was lost too often.
        """
        self._sink.emit(WorkerDied(loss.reason))
        self._lost[index] += 1
        _log.warning("worker_lost", what=self._what, index=index, reason=loss.reason)
        if self._lost[index] < self._max_tries:
            return
        text = f"{self._what} {index} lost its worker {self._max_tries} times"
        if loss.reason == "out_of_memory":
            raise OutOfMemory(f"{text}, at last for lack of memory") from loss
        raise WorkerLost(text) from loss

    def forget(self, index: int) -> None:
        """Start counting anew: the call has succeeded, so its worker was to blame."""
        del self._lost[index]


def check(cancellation: Cancellation) -> None:
    """Raise Cancelled if the analysis is to stop."""
    if cancellation.is_set():
        raise Cancelled("stopped on request")


def wait_any(refs: Sequence[Ref], cancellation: Cancellation) -> Refs:
    """The finished ones of ``refs``, at least one.

    Raises:
        Cancelled: The analysis is to stop.
    """
    while True:
        check(cancellation)
        done, _ = ray.wait(list(refs), num_returns=1, timeout=_POLL_SECONDS, fetch_local=False)
        if done:
            return list(done)


def run_tasks(
    submissions: Sequence[Submit],
    *,
    what: str,
    in_flight: int,
    max_tries: int,
    cancellation: Cancellation,
    sink: EventSink,
    done: Callable[[], None] = lambda: None,
) -> list[Refs]:
    """Run tasks, some at a time, and run those again that lost their worker.

    Args:
        submissions: One for every task; each call of it is one try.
        what: Name of the tasks, for errors.
        in_flight: Tasks at once.
        max_tries: A task that loses its worker so often fails the analysis.
        cancellation: Ends the run; what is in flight is killed.
        sink: Is told of lost workers.
        done: Called after every finished task.

    Returns:
        References of the payloads of every task, in the order of the submissions.

    Raises:
        ServiceError: A task raised it, or lost its worker too often.
    """
    waiting = deque(range(len(submissions)))
    payloads: list[Refs] = [[] for _ in submissions]
    attempts = Attempts(what, max_tries, sink)
    running: dict[Ref, tuple[int, Refs]] = {}
    with _killed_at_end(running):
        while waiting or running:
            while waiting and len(running) < in_flight:
                index = waiting.popleft()
                refs = submissions[index]()
                running[refs[0]] = (index, refs)
            for ref in wait_any(list(running), cancellation):
                index, refs = running.pop(ref)
                try:
                    settle(ref)
                except Lost as loss:
                    attempts.lost(index, loss)
                    waiting.appendleft(index)
                else:
                    payloads[index] = refs[1:]
                    done()
    return payloads


@contextmanager
def _killed_at_end(running: dict[Ref, tuple[int, Refs]]) -> Iterator[None]:
    try:
        yield
    finally:
        for ref in running:
            ray.cancel(ref, force=True)


def value(ref: Ref, cancellation: Cancellation | None = None) -> Any:
    """The payload of a finished task.

    Args:
        ref: Of the payload.
        cancellation: Ends the waiting.

    Raises:
        Cancelled: The analysis is to stop.
        WorkerLost: It was lost with its node after the task had finished.
    """
    while True:
        if cancellation is not None:
            check(cancellation)
        try:
            return ray.get(ref, timeout=_POLL_SECONDS * 10)
        except GetTimeoutError:
            continue
        except _LOST as error:
            raise WorkerLost("a node was lost with results that it held") from error
