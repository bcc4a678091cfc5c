"""What calls leave on the cluster, and how it is made again after a node has taken it along."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from interference_service.compute.calls import Ref, Refs, is_lost, value
from interference_service.compute.lost import Bounds, Losses, Lost
from interference_service.domain.events import Work, WorkDone
from interference_service.domain.ports import Cancellation, EventSink

Done: TypeAlias = Callable[[], None]
"""Called after every finished call."""
Made: TypeAlias = Callable[["Call", Refs], None]
"""Called with every finished call and references of its payloads."""


class Call:
    """A call whose payloads stay on the cluster, and which gives the same bits if made again."""

    def __init__(
        self,
        runner: "Runner",
        losses: Losses,
        function: Callable[..., Refs],
        arguments: Sequence[Any],
        *,
        frees: bool,
        cost: int,
    ) -> None:
        """Remember what to call; ``Runner.run`` makes it.

        Args:
            runner: Who makes it.
            losses: How often it was lost.
            function: Submits it.
            arguments: Values, and payloads of other calls.
            frees: Whether no call of another run needs the payloads among its arguments.
            cost: About how long it takes, in any measure.
        """
        self.runner = runner
        self.losses = losses
        self.frees = frees
        self.cost = cost
        self._function = function
        self._arguments = arguments
        self._refs: dict[int, Ref] = {}

    def payload(self, index: int = 0) -> "Payload":
        """One of the values that it leaves on the cluster."""
        return Payload(self, index)

    @property
    def needs(self) -> Iterator["Payload"]:
        """The payloads among its arguments."""
        return (each for each in self._arguments if isinstance(each, Payload))

    def submit(self, *more: Any) -> Refs:
        """Submit it, with more arguments before its own; payloads go as its runner gives them."""
        own = (
            self.runner.given(each) if isinstance(each, Payload) else each
            for each in self._arguments
        )
        return self._function(*more, *own)

    def keep(self, refs: Refs) -> None:
        """It was made; these are references of its payloads."""
        self._refs = dict(enumerate(refs))

    def ref(self, index: int) -> "Ref | None":
        """Reference of a payload; None if it is not there."""
        return self._refs.get(index)

    def release(self, index: int) -> None:
        """Let the cluster forget a payload; for whoever needs it later it is made again."""
        self._refs.pop(index, None)


@dataclass(frozen=True, slots=True)
class Payload:
    """One value that a call leaves on the cluster."""

    call: Call
    index: int

    @property
    def ref(self) -> "Ref | None":
        """Its reference; None if it was never made, lost, or released."""
        return self.call.ref(self.index)

    def release(self) -> None:
        """See ``Call.release``."""
        self.call.release(self.index)


class Runner(ABC):
    """Makes calls of one kind; what they need and is not there is made first.

    This is how a lost payload comes back: whoever needs it has it made again by the runner of its
    own kind, with what was needed for it in turn, and nothing else.
    """

    def __init__(self, *, bounds: Bounds, cancellation: Cancellation, sink: EventSink) -> None:
        """Make nothing yet.

        Args:
            bounds: How often a call may be lost.
            cancellation: Ends every run.
            sink: Is told of what workers have done, and of lost ones.
        """
        self._bounds = bounds
        self._cancellation = cancellation
        self._sink = sink

    def call(
        self,
        what: str,
        function: Callable[..., Any],
        *arguments: Any,
        frees: bool = False,
        cost: int = 1,
        reads: Sequence[str] = (),
    ) -> Call:
        """A call to be made by this runner.

        Args:
            what: What it does, for errors.
            function: See ``Call``.
            arguments: See ``Call``.
            frees: See ``Call``.
            cost: See ``Call``.
            reads: Fields of the specification whose files it reads.
        """
        losses = Losses(what, self._bounds, self._sink, reads)
        return Call(self, losses, function, arguments, frees=frees, cost=cost)

    def run(self, calls: Sequence[Call], done: Done | None = None) -> None:
        """Make calls, and release what was needed for them alone.

        Args:
            calls: The calls; they keep the references of their payloads.
            done: Called once for every call.

        Raises:
            ServiceError: A call raised it, or was lost too often.
        """
        unmade = dict.fromkeys(calls)
        wanted = Counter(need for call in calls if call.frees for need in set(call.needs))

        def made(call: Call, refs: Refs) -> None:
            call.keep(refs)
            del unmade[call]
            for need in set(call.needs) if call.frees else ():
                wanted[need] -= 1
                if not wanted[need]:
                    need.release()
            if done is not None:
                done()

        while unmade:
            _make_needs(unmade)
            self._run(list(unmade), made)
            for call in unmade:
                _release_lost(call)

    def value(self, payload: Payload) -> Any:
        """The value of a payload, which is made again if it is not there.

        Raises:
            ServiceError: The call raised it, or was lost too often; or the analysis is to stop.
        """
        while True:
            make([payload])
            if payload.ref is not None:
                try:
                    return value(payload.ref, self._cancellation)
                except Lost as lost:
                    payload.release()
                    payload.call.losses.note(lost)

    def _tell(self, what: str, work: Work | None, **attributes: str | int) -> None:
        """Tell that a call has succeeded, if it says when it ran."""
        if work is not None:
            self._sink.emit(WorkDone(work, what, attributes))

    def given(self, payload: Payload) -> Any:
        """What its calls are given in place of a payload."""
        return payload.ref

    @abstractmethod
    def _run(self, calls: Sequence[Call], made: Made) -> None:
        """Make calls whose needs are there; leave out those whose needs turn out to be lost."""


def make(payloads: Iterable[Payload]) -> None:
    """Make what is not there.

    Raises:
        ServiceError: A call raised it, or was lost too often.
    """
    missing = dict.fromkeys(each.call for each in payloads if each.ref is None)
    for runner in dict.fromkeys(call.runner for call in missing):
        runner.run([call for call in missing if call.runner is runner])


def _make_needs(calls: Iterable[Call]) -> None:
    needs = dict.fromkeys(need for call in calls for need in call.needs)
    # What is made may release what others need as well.
    while any(need.ref is None for need in needs):
        make(needs)


def _release_lost(call: Call) -> None:
    needs = list(call.needs)
    # One may be out of reach without being known to be lost; then all are made again.
    told = call.losses.lacked_id
    for need in [each for each in needs if each.ref is None or is_lost(each.ref, told)] or needs:
        need.release()
