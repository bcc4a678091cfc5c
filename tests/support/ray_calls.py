"""Calls on a real cluster, to be run in a process that has no gRPC channels of its own."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import ray

from interference_service.compute import cluster, remote
from interference_service.compute.executor import RayExecutor
from interference_service.compute.lost import Bounds
from interference_service.compute.settings import ComputeSettings
from interference_service.compute.tasks import Tasks
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import Cancelled
from interference_service.references.stores import Stores
from support.jobs import FixedClock
from support.submissions import SPECIFICATION


def start(secret_variables: frozenset[str] = frozenset()) -> None:
    cluster.connect(
        ComputeSettings(num_cpus=2, object_store_bytes=100 << 20, secret_variables=secret_variables)
    )


def start_with_little_memory() -> None:
    """As ``start``; Ray ends processes once a third of what this machine has free is used.

    Ray counts the memory of the whole machine: whatever runs beside must not make the difference.
    """
    memory = psutil.virtual_memory()
    used = memory.total - memory.available * 2 // 3
    os.environ.update(RAY_memory_usage_threshold=f"{used / memory.total:.3f}")
    start()


class Never:
    """A cancellation that does not come."""

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float) -> bool:
        time.sleep(timeout)
        return self.is_set()


class Now:
    """A cancellation that has come already."""

    def is_set(self) -> bool:
        return True

    def wait(self, timeout: float) -> bool:
        return self.is_set()


class After:
    """A cancellation that comes once a file is there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_set(self) -> bool:
        return self._path.exists()

    def wait(self, timeout: float) -> bool:
        time.sleep(timeout)
        return self.is_set()


class Events(list[object]):
    def emit(self, event: object) -> None:
        self.append(event)


@ray.remote(max_retries=0, num_returns=2)
def _double(number: int) -> tuple[None, int]:
    return None, 2 * number


@ray.remote(max_retries=0, num_returns=2)
def _die_before(path: str, lives: int) -> tuple[None, str]:
    """Dies until its file has so many lines."""
    with Path(path).open("a+") as file:
        file.write("tried\n")
        file.seek(0)
        tries = len(file.readlines())
    if tries < lives:
        os._exit(1)
    return None, "done"


@ray.remote(max_retries=0, num_returns=2)
def _hungry(path: str) -> tuple[None, str]:
    """Takes memory until it is ended, and none once its file is there."""
    if Path(path).exists():
        return None, "done"
    Path(path).touch()
    taken = []
    while psutil.virtual_memory().available > 2 << 30:
        taken.append(bytearray(os.urandom(1)) * (32 << 20))
    return None, f"has taken {len(taken)} pieces and was not ended"


@ray.remote(max_retries=0, num_returns=2)
def _refuse(path: str) -> tuple[None, None]:
    from interference_service.errors import InvalidData

    with Path(path).open("a") as file:
        file.write("tried\n")
    raise InvalidData.at("data.uris", "is not what it should be")


@ray.remote(max_retries=0, num_returns=2)
def _endless(path: str) -> tuple[None, None]:
    import threading

    Path(path).touch()
    threading.Event().wait()
    return None, None


@ray.remote(max_retries=0, num_returns=2)
def _deadly(*_: Any) -> tuple[None, None]:
    """Reads a file that brings its process to an end, as a defect of a library would."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return None, None


def validation_with_deadly(function: str, directory: str) -> Any:
    """Validate a good submission, with a function of ``remote`` that always ends its process."""
    specification = AnalysisSpecification.model_validate(SPECIFICATION)
    executor = RayExecutor(
        stores=Stores({"data": Path(directory)}),
        settings=ComputeSettings(device="cpu"),
        sink=Events(),
        clock=FixedClock(),
    )
    with mock.patch.object(remote, function, _deadly):
        return executor.check(specification, Never())


def _run(submissions: list[Any], cancellation: Any = None) -> tuple[list[Any], Events]:
    events = Events()
    tasks = Tasks(
        bounds=Bounds(tries=3, losses=4), cancellation=cancellation or Never(), sink=events
    )
    calls = [tasks.call(f"task {index}", each) for index, each in enumerate(submissions)]
    return tasks.values(calls), events


def doubled(numbers: list[int]) -> tuple[list[Any], Events]:
    return _run([lambda number=number: _double.remote(number) for number in numbers])


def tried(path: str, lives: int) -> tuple[list[Any], Events]:
    return _run([lambda: _die_before.remote(path, lives)])


def refused(path: str) -> tuple[list[Any], Events]:
    return _run([lambda: _refuse.remote(path)])


def cancelled_once_started(path: str) -> tuple[list[Any], Events]:
    return _run([lambda: _endless.remote(path)], After(Path(path)))


def cancelled_as_they_are_submitted(times: int) -> int:
    """Run tasks with a small payload of another among their arguments; returns how many ended."""
    bounds, ended = Bounds(tries=3, losses=4), 0
    before = Tasks(bounds=bounds, cancellation=Never(), sink=Events())
    (payload,) = before.payloads([before.call("the payload", _double.remote, 2)])
    after = Tasks(bounds=bounds, cancellation=Now(), sink=Events())
    for _ in range(times):
        with suppress(Cancelled):
            after.run([after.call("the sum", remote.total.remote, [[0]], 1, payload)])
            ended += 1
    return ended


def hungry(path: str) -> tuple[list[Any], Events]:
    return _run([lambda: _hungry.remote(path)])
