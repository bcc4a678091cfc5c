"""The server dies while it is watched and read: the client goes on where it was, or says so."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import pytest

from interference_client import Client, InterferenceError, Job, JobSnapshot
from interference_client._cli_exit import Exit, of_error
from interference_service.demo.server import Running, running_service
from support.proxy import Proxy, between
from support.service import FEW_RESOURCES
from support.submissions import submit, submit_brief, submit_slow
from support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]


class Service:
    """A service that can be killed and started again, each time behind another port."""

    def __init__(self, stack: ExitStack, files: Path, home: Path) -> None:
        self._stack = stack
        self._files = files
        self._home = home
        self.running = self.start()

    @property
    def port(self) -> int:
        return int(self.running.grpc.rpartition(":")[2])

    def start(self) -> Running:
        started = running_service(self._home, {"data": self._files}, FEW_RESOURCES)
        self.running = self._stack.enter_context(started)
        return self.running

    def kill(self) -> None:
        process = self.running.process
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        psutil.wait_procs(children, timeout=5)


@pytest.fixture
def fragile(files: Path, tmp_path: Path) -> Iterator[Service]:
    with ExitStack() as stack:
        yield Service(stack, files, tmp_path)


@pytest.fixture
def watching(fragile: Service) -> Iterator[Proxy]:
    with between(fragile.port) as proxy:
        yield proxy


@pytest.fixture
def reading(fragile: Service) -> Iterator[Proxy]:
    with between(fragile.port) as proxy:
        yield proxy


def behind(proxy: Proxy, patience: float = 120) -> Client:
    return Client(f"127.0.0.1:{proxy.port}", patience=patience)


def read(job: Job) -> dict[str, np.ndarray]:
    return dict(job.result().matrices())


def test_a_watch_and_a_read_outlive_the_death_of_the_server(
    fragile: Service, watching: Proxy, reading: Proxy
):
    with behind(watching) as watcher, behind(reading) as reader, ThreadPoolExecutor(2) as threads:
        done = submit(reader).wait(timeout=100)
        result, undisturbed = done.result(), read(done)
        seen: list[JobSnapshot] = []

        def watch(job: Job) -> None:
            events = job.events(timeout=300)
            seen.extend(each for each in events if isinstance(each, JobSnapshot))

        reading.cut(1, after_bytes=3000, hold=True)
        matrices = threads.submit(lambda: dict(result.matrices()))
        assert reading.held.wait(30)
        watched = threads.submit(watch, submit_brief(watcher))
        eventually(lambda: any(each.state == "RUNNING" for each in seen), what="a running job")

        fragile.kill()
        assert not matrices.done()
        assert not watched.done()
        fragile.start()
        watching.target = reading.target = fragile.port
        reading.cut(0)

        found = matrices.result(60)
        watched.result(300)
    assert found.keys() == undisturbed.keys()
    for name, matrix in found.items():
        assert matrix.tobytes() == undisturbed[name].tobytes(), name
    assert (seen[-1].state, seen[-1].attempt) == ("SUCCEEDED", 2)
    assert len({each.uid for each in seen}) == 1


def test_nobody_who_stays_away_is_taken_for_success(
    fragile: Service, watching: Proxy, reading: Proxy
):
    with behind(reading, patience=10) as reader, ThreadPoolExecutor(1) as threads:
        result = submit(reader).wait(timeout=100).result()
        job = submit_slow(reader)
        command = [sys.executable, "-m", "interference_client.cli", "wait", job.name]
        waiting = subprocess.Popen(
            [*command, f"--target=127.0.0.1:{watching.port}"],
            env=os.environ | {"INTERFERENCE_PATIENCE": "5"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        eventually(lambda: watching.connections, what="a pipeline that waits")
        eventually(lambda: job.refresh().state == "RUNNING", what="a running job")
        reading.cut(1, after_bytes=3000, hold=True)
        matrices = threads.submit(lambda: dict(result.matrices()))
        assert reading.held.wait(30)
        fragile.kill()
        reading.cut(0)
        told, complaint = waiting.communicate(timeout=60)
        assert waiting.returncode == 7, told + complaint
        with pytest.raises(InterferenceError) as caught:
            matrices.result(60)
        assert of_error(caught.value) is Exit.UNREACHABLE
