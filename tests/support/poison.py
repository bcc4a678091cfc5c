"""Jobs on a pool of real actors, one of which dies of one of its units, whoever runs it."""

import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import ray

from interference_service.compute import fleet
from interference_service.compute.actors import JobActors
from interference_service.compute.context import LoadReport, UnitReport
from interference_service.compute.lost import Bounds
from interference_service.compute.nodes import Nodes
from interference_service.compute.payloads import Call, Made, Runner
from interference_service.compute.pool import ActorPool
from interference_service.compute.segmentation.known import HOMOGENEOUS
from interference_service.compute.settings import ComputeSettings
from interference_service.compute.spares import PoolBounds
from interference_service.compute.versions import Environment, environment_reader
from interference_service.domain.events import WorkerDied
from interference_service.domain.job import Priority
from interference_service.errors import WorkerLost
from support.ray_calls import Events

_UNITS = 8


@ray.remote(max_restarts=0, max_task_retries=0)
class _Mortal:
    """A gradient actor whose units say what becomes of it."""

    def start(self) -> tuple[Environment, str]:
        return environment_reader()(), ray.util.get_node_ip_address()

    def lives(self) -> None:
        return

    def load(self, *_: Any) -> LoadReport:
        return LoadReport("cpu")

    def gradients(self, number: int, deadly: bool) -> tuple[UnitReport, int]:
        if deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return UnitReport(1, 0.0, "cpu"), number


class _Known(Runner):
    """Has the model there already."""

    def _run(self, calls: Sequence[Call], made: Made) -> None:
        for call in calls:
            made(call, [ray.put(b"")])


def _submit(number: int, deadly: bool, actor: Any) -> Any:
    return actor.gradients.options(num_returns=2).remote(number, deadly)


def _job(pool: ActorPool, poison: int | None) -> tuple[list[int] | str, int]:
    """Run a job.

    Returns:
        What its units gave, or its error; and how many actors it lost.
    """
    events = Events()
    bounds, cancellation = Bounds(tries=3, losses=8), threading.Event()
    known = _Known(bounds=bounds, cancellation=cancellation, sink=events)
    actors = JobActors(
        lambda: pool.seat(Priority.NORMAL),
        context=None,
        model=known.call("the model", _submit).payload(),
        parameter_names=(),
        projection=None,
        segmentation=HOMOGENEOUS,
        bounds=bounds,
        cancellation=cancellation,
        sink=events,
    )
    calls = [
        actors.call(f"unit {number}", partial(_submit, number, number == poison))
        for number in range(_UNITS)
    ]
    try:
        actors.run(calls)
        found: list[int] | str = [actors.value(call.payload()) for call in calls]
    except WorkerLost as error:
        found = error.message
    return found, sum(isinstance(each, WorkerDied) for each in events)


def one_of_two_jobs() -> list[tuple[list[int] | str, int]]:
    """Run a job with a deadly unit and one without, at once on one pool."""
    fleet.GradientActor = _Mortal
    settings = ComputeSettings(device="cpu", cpus_per_actor=0.5)
    pool = ActorPool(fleet.RayFleet(settings, Nodes()), PoolBounds(spares=1))
    tending = threading.Thread(target=pool.run)
    tending.start()
    try:
        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(partial(_job, pool), (5, None)))
    finally:
        pool.close()
        tending.join()
