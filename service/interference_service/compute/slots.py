"""How many gradient actors the nodes of a cluster have room for; decides, and does nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interference_service.errors import WorkerLost

_ROUNDING = 1e-6
"""Ray counts fractions of a GPU by ten thousandths."""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster.

    Attributes:
        id: As Ray names it.
        address: Where it is.
        cpus: Its cores, busy or not.
        gpus: Its GPUs, busy or not.
    """

    id: str
    address: str
    cpus: float
    gpus: float


@dataclass(frozen=True, slots=True)
class Needs:
    """What a gradient actor needs of its node.

    Attributes:
        cpus: Cores.
        gpus: GPUs; a fraction shares one. 0: it computes on cores.
    """

    cpus: float
    gpus: float

    @property
    def options(self) -> dict[str, Any]:
        """Resources as Ray takes them.

        No actor takes cores of Ray's count: actors that serve a job are as many as there are cores
        for, but tasks must never wait for them, nor for the spares, which do not compute.
        """
        return {"num_cpus": 0, "num_gpus": self.gpus}

    def room_on(self, node: Node) -> int:
        """How many actors fit on a node."""
        if not self.gpus:
            return math.floor(node.cpus / self.cpus + _ROUNDING)
        if self.gpus >= 1:
            return math.floor(node.gpus / self.gpus + _ROUNDING)
        # A fraction is of one GPU; what is left over of several does not add up.
        return math.floor(node.gpus + _ROUNDING) * math.floor(1 / self.gpus + _ROUNDING)

    def none_fits(self, nodes: Sequence[Node]) -> WorkerLost:
        """The error where there is no room for a single one."""
        kind, needed = ("gpus", self.gpus) if self.gpus else ("cpus", self.cpus)
        has = sum(getattr(node, kind) for node in nodes)
        return WorkerLost(
            f"no worker can be had: one needs {needed:g} {kind} of a node, the whole cluster has "
            f"{has:g}; see the service's settings compute.device and compute.{kind}_per_actor"
        )


def needs_of(device: str, gpus: float, cpus: float, nodes: Sequence[Node]) -> Needs:
    """What an actor needs.

    Args:
        device: "gpu", "cpu", or "auto": a GPU where the cluster has any.
        gpus: GPUs of an actor that computes on one.
        cpus: Cores of an actor.
        nodes: Of the cluster.
    """
    on_gpu = device == "gpu" or (device == "auto" and any(node.gpus >= 1 for node in nodes))
    return Needs(cpus, gpus if on_gpu else 0.0)
