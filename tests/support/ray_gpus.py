"""Actors on GPUs that Ray is only told of, to be run in a process without gRPC channels."""

from typing import Any

import ray

from interference_service.compute.nodes import alive_nodes
from interference_service.compute.slots import needs_of


def start() -> None:
    ray.init(
        address="local",
        include_dashboard=False,
        num_cpus=2,
        num_gpus=4,
        object_store_memory=100 << 20,
        logging_level="ERROR",
        log_to_driver=False,
    )


@ray.remote
class _Placed:
    def gpus(self) -> list[str]:
        return ray.get_runtime_context().get_accelerator_ids()["GPU"]


def placed(share: float) -> tuple[int, list[list[str]], int]:
    """Start one actor more than there is room for.

    Returns:
        The room, the GPUs of every actor that was placed, and how many were not.
    """
    nodes = alive_nodes()
    needs = needs_of("auto", share, 1, nodes)
    room = sum(needs.room_on(node) for node in nodes)
    actor_class: Any = _Placed
    actors = [actor_class.options(**needs.options).remote() for _ in range(room + 1)]
    calls = [actor.gpus.remote() for actor in actors]
    done, waiting = ray.wait(calls, num_returns=room, timeout=60)
    more, _ = ray.wait(waiting, timeout=0.5)
    found = ray.get(done)
    for actor in actors:
        ray.kill(actor)
    return room, found, len(waiting) - len(more)
