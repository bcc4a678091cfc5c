"""Starts, watches and kills the processes of the gradient actors."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from interference_service.compute.calls import Ref, settle
from interference_service.compute.lost import Lost
from interference_service.compute.nodes import Nodes
from interference_service.compute.remote import GradientActor
from interference_service.compute.settings import ComputeSettings
from interference_service.compute.slots import Needs, needs_of
from interference_service.errors import ServiceError


@dataclass(eq=False, slots=True)
class Worker:
    """The process of a gradient actor.

    Attributes:
        actor: Its handle.
        needs: What it has of its node.
        node: Id of the node; empty: where Ray likes.
        call: Of the pool, in flight: its start, or the question whether it still lives.
        seen: When it was last known to live.
    """

    actor: Any
    needs: Needs
    node: str = ""
    call: Any = field(default=None, repr=False)
    seen: float = 0.0


@dataclass(frozen=True, slots=True)
class Room:
    """What the cluster offers to gradient actors.

    Attributes:
        needs: Of each.
        slots: How many may work at once, by node.
        refusal: What to tell where there is no slot.
    """

    needs: Needs
    slots: dict[str, int]
    refusal: ServiceError

    @property
    def total(self) -> int:
        """How many may work at once."""
        return sum(self.slots.values())


class Fleet(Protocol):
    """What the pool needs of the cluster; none of it waits for a process."""

    def room(self, needs: Needs | None) -> Room:
        """What there is room for now; None: for actors of the kind that is wanted now."""

    def start(self, room: Room, workers: Iterable[Worker]) -> Worker:
        """Start a process, on the node that has the most room besides ``workers``."""

    def ask(self, worker: Worker) -> None:
        """Ask a started process whether it still lives."""

    def ended(self, calls: Sequence[Any], seconds: float) -> list[tuple[Any, Exception | None]]:
        """Calls that have ended, each with what it raised; waits so long for the first."""

    def kill(self, worker: Worker) -> None:
        """End a process at once."""


class RayFleet:
    """Processes on the Ray cluster."""

    def __init__(self, settings: ComputeSettings, nodes: Nodes) -> None:
        self._settings = settings
        self._nodes = nodes

    def room(self, needs: Needs | None) -> Room:
        """See ``Fleet.room``."""
        settings, nodes = self._settings, self._nodes.usable()
        if needs is None:
            needs = needs_of(
                settings.device, settings.gpus_per_actor, settings.cpus_per_actor, nodes
            )
        slots = {node.id: needs.room_on(node) for node in nodes}
        return Room(needs, slots, needs.none_fits(nodes))

    def start(self, room: Room, workers: Iterable[Worker]) -> Worker:
        """See ``Fleet.start``."""
        options, node = dict(room.needs.options), ""
        if not room.needs.gpus:
            # Ray counts none of their cores, so it would not spread them; and where it may choose
            # another node, it does, though this one is there.
            node = emptiest(room.slots, workers)
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
        # Ray's decorator adds `options`, which its annotations do not tell.
        actor_class: Any = GradientActor
        actor = actor_class.options(**options).remote()
        return Worker(actor, room.needs, node, call=actor.start.remote())

    def ask(self, worker: Worker) -> None:
        """See ``Fleet.ask``."""
        worker.call = worker.actor.lives.remote()

    def ended(self, calls: Sequence[Any], seconds: float) -> list[tuple[Any, Exception | None]]:
        """See ``Fleet.ended``."""
        done, _ = ray.wait(list(calls), timeout=seconds)
        if done:
            done, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
        return [(call, self._raised(call)) for call in done]

    def kill(self, worker: Worker) -> None:
        """See ``Fleet.kill``."""
        ray.kill(worker.actor)

    def _raised(self, call: Ref) -> Exception | None:
        try:
            started = settle(call)
        except (Lost, ServiceError, ray.exceptions.RayError) as error:
            return error
        return self._nodes.refusal_of(*started) if started else None


def emptiest(slots: dict[str, int], workers: Iterable[Worker]) -> str:
    """The node with the most slots left over; one without any only if no node has one.

    Args:
        slots: Of every node; at least one.
        workers: Those that there are.
    """
    taken = Counter(worker.node for worker in workers)
    return max(slots, key=lambda node: (slots[node] > 0, slots[node] - taken[node], node))
