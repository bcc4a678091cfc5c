"""How often calls may be lost, and which of a run is next; decisions alone, without a cluster."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import structlog

from interference_service.domain.events import WorkerDied
from interference_service.domain.ports import EventSink
from interference_service.errors import OutOfMemory, Violation, WorkerLost

_log = structlog.get_logger(__name__)
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class Loss(Enum):
    """What became of a call that was lost."""

    DIED = "died"
    """Its process ended, which the call itself may have caused."""
    OUT_OF_MEMORY = "out_of_memory"
    """Its process was ended for lack of memory; whoever used that memory."""
    NODE_DIED = "node_died"
    """Its process ended with the node, or can no longer be reached."""
    PAYLOAD_LOST = "payload_lost"
    """What it needs, or what it made, was lost with a node."""


class Lost(Exception):
    """A call was lost; the call itself may be innocent."""

    def __init__(self, loss: Loss, text: str = "", object_id: str = "") -> None:
        """What was lost.

        Args:
            loss: What became of the call.
            text: What the cluster says about it.
            object_id: Which payload was lost, where it is known.
        """
        super().__init__(text or loss.value)
        self.loss = loss
        self.object_id = object_id


@dataclass(frozen=True, slots=True)
class Bounds:
    """How often a call may be lost.

    Attributes:
        tries: A call whose process ended this often is to blame for it.
        losses: A call that was lost this often for one other cause is given up.
    """

    tries: int
    losses: int


class Losses:
    """Counts how often one call was lost, by cause, and says when it was once too often."""

    def __init__(
        self, name: str, bounds: Bounds, sink: EventSink, reads: Sequence[str] = ()
    ) -> None:
        """Begin at none.

        Args:
            name: What the call does, for errors.
            bounds: How often it may be lost.
            sink: Is told of lost workers.
            reads: Fields of the specification whose files it reads, which may end its process.
        """
        self.name = name
        self._bounds = bounds
        self._sink = sink
        self._reads = reads
        self._counts: Counter[Loss] = Counter()
        self.lacked_id = ""
        """Of the payload that the call lacked last, where the cluster named one."""

    def note(self, lost: Lost) -> None:
        """Count a loss.

        Raises:
            OutOfMemory: The call was ended for memory too often, alone at last.
            WorkerLost: The call was lost too often for another cause.
        """
        loss, self.lacked_id = lost.loss, lost.object_id
        _log.warning("call_lost", what=self.name, reason=loss.value, text=str(lost)[:500])
        if loss is not Loss.PAYLOAD_LOST:
            self._sink.emit(WorkerDied(loss.value))
        self._counts[loss] += 1
        count = self._counts[loss]
        if count < (self._bounds.tries if loss is Loss.DIED else self._bounds.losses):
            return
        match loss:
            case Loss.DIED:
                raise self._died(count) from lost
            case Loss.NODE_DIED:
                raise WorkerLost(f"{self.name} lost its node {count} times") from lost
            case Loss.OUT_OF_MEMORY:
                raise OutOfMemory(
                    f"{self.name} lost its worker {count} times for lack of memory, at last with "
                    "nothing of this job beside it"
                ) from lost
            case Loss.PAYLOAD_LOST:
                raise WorkerLost(f"{self.name} lost what it needs {count} times") from lost

    def _died(self, count: int) -> WorkerLost:
        what = f"{self.name} lost its worker {count} times"
        if self._reads:
            what += "; a file that ends whoever reads it is damaged: write it anew"
        return WorkerLost(
            what, violations=[Violation(f"spec.{field}", what) for field in self._reads]
        )

    def forget(self) -> None:
        """Begin anew: the call has succeeded, so its worker was to blame."""
        self._counts.clear()

    @property
    def alone(self) -> bool:
        """Whether the call is to run with nothing of its job beside it.

        Where memory is short, processes are ended that did not take it. Who runs alone is to blame.
        """
        return self._counts[Loss.OUT_OF_MEMORY] > 0

    @property
    def pause_seconds(self) -> float:
        """How long to wait before the next try: memory and nodes need time to come back."""
        count = self._counts[Loss.OUT_OF_MEMORY] + self._counts[Loss.NODE_DIED]
        return min(_FIRST_PAUSE_SECONDS * 2 ** (count - 1), _LONGEST_PAUSE_SECONDS) if count else 0


class Turns:
    """Says which call of a run is next: the costliest, but not before its pause is over.

    A call that must be alone begins when no other runs, and then none does until it is done.
    """

    def __init__(
        self,
        losses: Sequence[Losses],
        costs: Sequence[int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """All calls wait.

        Args:
            losses: Of every call of the run.
            costs: About how long each takes, in any measure; of equal ones the first comes first.
            clock: Tells seconds.
        """
        self._losses = losses
        self._clock = clock
        self._waiting = deque(sorted(range(len(losses)), key=lambda index: (-costs[index], index)))
        self._not_before = [0.0] * len(losses)
        self._running: set[int] = set()

    @property
    def over(self) -> bool:
        """Whether no call waits or runs."""
        return not self._waiting and not self._running

    @property
    def wanted(self) -> int:
        """How many calls may run at once, or do."""
        together = sum(not self._losses[index].alone for index in self._waiting)
        return max(len(self._running) + together, min(1, len(self._waiting)))

    def next(self) -> int | None:
        """The call to be begun now; None if there is none."""
        if any(self._losses[index].alone for index in self._running):
            return None
        now = self._clock()
        for index in self._waiting:
            may_run = not self._losses[index].alone or not self._running
            if may_run and self._not_before[index] <= now:
                return index
        return None

    def begin(self, index: int) -> None:
        """A call runs."""
        self._waiting.remove(index)
        self._running.add(index)

    def finished(self, index: int) -> None:
        """A call is done."""
        self._running.remove(index)

    def lost(self, index: int, lost: Lost) -> None:
        """A call was lost; it waits again, unless what it needs must be made first.

        Raises:
            OutOfMemory: See ``Losses.note``.
            WorkerLost: See ``Losses.note``.
        """
        self._running.remove(index)
        losses = self._losses[index]
        losses.note(lost)
        if lost.loss is not Loss.PAYLOAD_LOST:
            self._not_before[index] = self._clock() + losses.pause_seconds
            self._waiting.appendleft(index)
