"""Calls on the cluster with retries of our own, bounded, and an ear for cancellation.

Ray's retries are switched off: they fail calls that only stood in the queue behind a bad one, and
know no bound for lack of memory. Here an actor or slot has one call in flight, so what dies with
it is exactly the call that ran.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import ray
from ray.exceptions import (
    ActorUnavailableError,
    ActorUnschedulableError,
    GetTimeoutError,
    NodeDiedError,
    ObjectLostError,
    ObjectStoreFullError,
    OutOfDiskError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    RayTaskError,
    WorkerCrashedError,
)

from interference_service.compute.lost import Loss, Losses, Lost, Turns
from interference_service.domain.ports import Cancellation
from interference_service.errors import Cancelled, OutOfMemory, ServiceError

_POLL_SECONDS = 0.1
_LOST = (
    RayActorError,
    ActorUnschedulableError,
    WorkerCrashedError,
    ObjectLostError,
    NodeDiedError,
    OutOfMemoryError,
)
_FULL = (ObjectStoreFullError, OutOfDiskError)
_NODE_DIED = "node has died"
"""What Ray says of an actor that died with its node; only its words tell it from a crash."""

Ref: TypeAlias = "ray.ObjectRef[Any]"
Refs: TypeAlias = "list[Ref]"
"""What a call returns: first a small summary, then its payload."""
Submit: TypeAlias = Callable[[], Any]
"""Submits a call and returns its ``Refs``; Ray's stubs know only calls with one value."""


def settle(ref: Ref, timeout: float | None = None) -> Any:
    """The value of a finished call, or of its payload.

    Args:
        ref: The call's summary, or a payload.
        timeout: How many seconds to wait for the value; None: until it is there.

    Raises:
        Lost: Its worker, or what it needed, was lost.
        OutOfMemory: The cluster has no room for it.
        ServiceError: The call raised it.
        GetTimeoutError: The value is not here yet.
        RayTaskError: The call raised something else.
    """
    try:
        return ray.get(ref, timeout=timeout)
    except RayTaskError as error:
        if isinstance(error.cause, ServiceError):
            raise error.cause from None
        if isinstance(error.cause, (*_LOST, *_FULL)):
            raise _told(error.cause) from error
        raise
    except (*_LOST, *_FULL) as error:
        raise _told(error) from error


def _told(error: RayError) -> Lost | OutOfMemory:
    if isinstance(error, _FULL):
        return OutOfMemory(
            "the cluster has no room for more rows and gradients, neither in its object store nor "
            "on the disk that it spills to"
        )
    if isinstance(error, ObjectLostError):
        return Lost(Loss.PAYLOAD_LOST, str(error), error.object_ref_hex)
    return Lost(_loss(error), str(error))


def _loss(error: RayError) -> Loss:
    if isinstance(error, OutOfMemoryError):
        return Loss.OUT_OF_MEMORY
    gone = isinstance(error, (NodeDiedError, ActorUnavailableError, ActorUnschedulableError))
    return Loss.NODE_DIED if gone or _NODE_DIED in str(error) else Loss.DIED


def value(ref: Ref, cancellation: Cancellation) -> Any:
    """The payload of a finished call.

    Raises:
        Cancelled: The analysis is to stop.
        Lost: It was lost after the call had finished.
    """
    while True:
        check(cancellation)
        try:
            return settle(ref, timeout=10 * _POLL_SECONDS)
        except GetTimeoutError:
            continue


def is_lost(ref: Ref, told: str) -> bool:
    """Whether a payload is known to be lost; looks without moving it here.

    Args:
        ref: The payload.
        told: Id of a payload that is known to be lost, or out of reach.
    """
    if ref.hex() == told:
        return True
    try:
        settle(ref, timeout=0)
    except Lost:
        return True
    except GetTimeoutError:
        return False
    return False


def check(cancellation: Cancellation) -> None:
    """Raise Cancelled if the analysis is to stop."""
    if cancellation.is_set():
        raise Cancelled("stopped on request")


def ended(refs: Sequence[Ref], cancellation: Cancellation) -> Refs:
    """Those of ``refs`` that end within a moment; perhaps none.

    Raises:
        Cancelled: The analysis is to stop.
    """
    check(cancellation)
    if not refs:
        cancellation.wait(_POLL_SECONDS)
        return []
    done, _ = ray.wait(list(refs), num_returns=1, timeout=_POLL_SECONDS, fetch_local=False)
    return list(done)


def run_tasks(
    submissions: Sequence[Submit],
    losses: Sequence[Losses],
    *,
    in_flight: int,
    cancellation: Cancellation,
    made: Callable[[int, Any, Refs], None],
) -> None:
    """Run tasks, some at a time, and run those again that lost their worker.

    A task is left out once what it needs turns out to be lost.

    Args:
        submissions: One for every task; each call of it is one try.
        losses: Of every task.
        in_flight: Tasks at once.
        cancellation: Ends the run; what is in flight is killed.
        made: Called with every finished task, its summary and references of its payloads.

    Raises:
        ServiceError: A task raised it, or was lost too often.
    """
    turns = Turns(losses, [1] * len(losses))
    running: dict[Ref, tuple[int, Refs]] = {}
    with _killed_at_end(running):
        while not turns.over:
            while len(running) < in_flight and (index := turns.next()) is not None:
                turns.begin(index)
                refs = submissions[index]()
                running[refs[0]] = (index, refs)
            for ref in ended(list(running), cancellation):
                index, refs = running.pop(ref)
                try:
                    summary = settle(ref)
                except Lost as lost:
                    turns.lost(index, lost)
                else:
                    turns.finished(index)
                    made(index, summary, refs[1:])


@contextmanager
def _killed_at_end(running: dict[Ref, tuple[int, Refs]]) -> Iterator[None]:
    try:
        yield
    finally:
        for ref in running:
            ray.cancel(ref, force=True)
