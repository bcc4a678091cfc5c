"""The nodes of the cluster; each is asked once what it runs."""

import threading
from typing import Any

import ray
import structlog
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from interference_service.compute import versions
from interference_service.compute.calls import Ref
from interference_service.compute.slots import Node
from interference_service.errors import ServiceError

_log = structlog.get_logger(__name__)
_ANSWER_SECONDS = 60.0


class Nodes:
    """What the cluster consists of, for any thread."""

    def __init__(self) -> None:
        self._read = versions.environment_reader()
        self._own = self._read()
        self._lock = threading.Lock()
        self._asked: dict[str, Ref] = {}
        self._different: dict[str, list[str]] = {}
        """What is different on each node that has answered; empty where nothing is."""

    def usable(self) -> list[Node]:
        """Nodes that have answered and run what the service runs; asks new ones, waits for none."""
        alive = self._look(0.0)
        with self._lock:
            return [node for node in alive if self._different.get(node.id) == []]

    def check(self) -> None:
        """Wait until every node has told what it runs.

        Raises:
            WorkerLost: One of them runs something else than the service; a task might land there.
        """
        alive = self._look(_ANSWER_SECONDS)
        with self._lock:
            for node in alive:
                if different := self._different.get(node.id):
                    raise versions.refusal(node.address, different)

    def refusal_of(self, environment: versions.Environment, address: str) -> ServiceError | None:
        """The error for a worker with another environment than the service's."""
        different = versions.differences(self._own, environment)
        return versions.refusal(address, different) if different else None

    def _look(self, seconds: float) -> list[Node]:
        alive = alive_nodes()
        with self._lock:
            present = {node.id for node in alive}
            for known in [*self._asked, *self._different]:
                if known not in present:
                    self._asked.pop(known, None)
                    self._different.pop(known, None)
            for node in alive:
                if node.id not in self._asked and node.id not in self._different:
                    self._asked[node.id] = self._ask(node)
            asked = dict(self._asked)
        if asked:
            refs = list(asked.values())
            answered, _ = ray.wait(refs, num_returns=len(refs), timeout=seconds)
            self._note([node for node in alive if asked.get(node.id) in answered])
        return alive

    def _ask(self, node: Node) -> Ref:
        # A task of its own by value: see `versions.environment_reader`.
        task: Any = ray.remote(max_retries=0, num_cpus=0)(self._read)
        strategy = NodeAffinitySchedulingStrategy(node.id, soft=False)
        ref: Ref = task.options(scheduling_strategy=strategy).remote()
        return ref

    def _note(self, nodes: list[Node]) -> None:
        with self._lock:
            for node in nodes:
                ref = self._asked.pop(node.id, None)
                if ref is None:
                    continue
                try:
                    different = versions.differences(self._own, ray.get(ref))
                except ray.exceptions.RayTaskError as error:
                    different = [f"an environment that cannot be read ({error.cause})"]
                except ray.exceptions.RayError:
                    # The node or the process has gone; if it is still there it is asked again.
                    continue
                self._different[node.id] = different
                if different:
                    _log.error("node_differs", node=node.address, different=different)


def alive_nodes() -> list[Node]:
    """The nodes that Ray knows of."""
    return [
        Node(
            id=each["NodeID"],
            address=each["NodeManagerAddress"],
            cpus=each["Resources"].get("CPU", 0.0),
            gpus=each["Resources"].get("GPU", 0.0),
        )
        for each in ray.nodes()  # type: ignore[no-untyped-call]
        if each["Alive"]
    ]
