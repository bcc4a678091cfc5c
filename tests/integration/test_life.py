"""A service that goes down loses nothing, and says what it is at every moment."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest

from interference.v1 import analysis_service_pb2 as wire, analysis_service_pb2_grpc as wire_grpc
from interference_client import Client, Job
from interference_service.demo.server import Running, running_service
from support.health import ALIVE, READY, serving
from support.network_ports import free_port
from support.probes import ask, value_of
from support.processes import gone
from support.service import FEW_RESOURCES
from support.service_log import lines_of
from support.submissions import submit, submit_brief
from support.waiting import eventually

pytestmark = pytest.mark.slow

WATCHERS = 50


def computing(job: Job) -> bool:
    progress = job.refresh().progress
    return progress.stage == "GRADIENTS" and 0 < progress.completed_units < progress.total_units


class PlainWatch:
    """A watch without a client that resumes it."""

    def __init__(self, address: str, name: str) -> None:
        self._channel = grpc.insecure_channel(address)
        request = wire.WatchAnalysisJobRequest(name=name)
        stub = wire_grpc.AnalysisServiceStub(self._channel)
        self._responses = stub.WatchAnalysisJob(request, timeout=300)
        self.last = next(self._responses)

    def to_the_end(self) -> None:
        """Read on until it ends without an error."""
        for response in self._responses:
            self.last = response
        self._channel.close()

    @property
    def job_has_ended(self) -> bool:
        return self.last.HasField("snapshot") and self.last.snapshot.HasField("end_time")


@pytest.mark.timeout(900)
def test_nobody_notices_a_restart_with_fifty_watches_and_a_running_job(files: Path, tmp_path: Path):
    settings = FEW_RESOURCES | {"INTERFERENCE_PORT": str(free_port())}
    watching: set[int] = set()
    with ThreadPoolExecutor(WATCHERS) as threads:
        with running_service(tmp_path, {"data": files}, settings) as first:
            client = Client(first.grpc)
            job = submit_brief(client)

            def wait(index: int) -> Job:
                told = client.job(job.name)
                return told.wait(timeout=600, on_event=lambda _: watching.add(index))

            waits = [threads.submit(wait, index) for index in range(WATCHERS)]
            plain = PlainWatch(first.grpc, job.name)
            eventually(lambda: len(watching) == WATCHERS, within_seconds=200, what="watches")
            eventually(lambda: computing(job), within_seconds=200, what="gradients")
            began = time.monotonic()
            first.process.terminate()
            assert first.process.wait(60) == 0
            seconds = time.monotonic() - began
            plain.to_the_end()
            assert plain.last.resume_token
            assert not plain.job_has_ended
        with running_service(tmp_path, {"data": files}, settings):
            ends = [each.result(timeout=600) for each in waits]
            assert {(each.state, each.attempt) for each in ends} == {("SUCCEEDED", 1)}
            found = dict(ends[0].result().matrices())
            for name, matrix in submit_brief(client).wait(timeout=600).result().matrices():
                np.testing.assert_array_equal(found[name], matrix, err_msg=name)
            client.close()
    assert seconds < 10
    # Whoever reads the log can rely on its form, whatever library a line comes from.
    events = [line["event"] for line in lines_of(tmp_path / "service.log")]
    assert events.count("handed_back") == 1
    assert events.count("stopped") == 2


@pytest.mark.timeout(900)
def test_two_services_share_a_state_directory_and_one_takes_over_from_the_other(
    files: Path, tmp_path: Path
):
    homes = [tmp_path / "first", tmp_path / "second"]
    for home in homes:
        home.mkdir()
    settings = FEW_RESOURCES | {"INTERFERENCE_STATE_DIRECTORY": str(tmp_path / "shared")}
    with (
        running_service(homes[0], {"data": files}, settings) as first,
        Client(first.grpc) as client,
    ):
        job = submit_brief(client)
        eventually(lambda: computing(job), within_seconds=200, what="gradients")
        with (
            running_service(homes[1], {"data": files}, settings) as second,
            Client(second.grpc) as other,
        ):
            seen = other.job(job.name)
            assert (seen.state, seen.attempt) in {("RUNNING", 1), ("SUCCEEDED", 1)}
            first.process.terminate()
            assert first.process.wait(60) == 0
            ended = seen.wait(timeout=600)
            assert (ended.state, ended.attempt) == ("SUCCEEDED", 1)
            assert ended.result().conflict("shared").shape == (4, 4)


@contextmanager
def load(address: str) -> Iterator[None]:
    """Callers that never stop asking, more than the server has threads."""
    going_on = [True]

    def ask_on() -> None:
        with Client(address) as client:
            while going_on:
                list(client.list(page_size=10))

    with ThreadPoolExecutor(16) as threads:
        callers = [threads.submit(ask_on) for _ in range(16)]
        try:
            yield
        finally:
            going_on.clear()
            for each in callers:
                each.result(timeout=60)


@pytest.mark.timeout(900)
def test_it_is_ready_under_load_and_says_that_it_goes_before_it_does(files: Path, tmp_path: Path):
    settings = FEW_RESOURCES | {"INTERFERENCE_DRAIN__ANNOUNCE_SECONDS": "500"}
    with (
        running_service(tmp_path, {"data": files}, settings) as service,
        Client(service.grpc) as client,
    ):
        with load(service.grpc):
            jobs = [submit_brief(client) for _ in range(2)]
            eventually(lambda: any(map(computing, jobs)), within_seconds=200, what="gradients")
            for _ in range(20):
                assert serving(service.grpc, READY)
                assert serving(service.grpc, ALIVE)
                assert ask(service.metrics, "/readyz").ok
                assert ask(service.metrics, "/healthz").ok
        assert value_of(service.metrics, "interference_ready") == 1
        assert value_of(service.metrics, "interference_event_loop_lag_seconds_count") > 0
        service.process.send_signal(signal.SIGTERM)
        eventually(lambda: not serving(service.grpc, READY), what="the announcement")
        assert ask(service.metrics, "/readyz").status == 503
        assert "goes down" in ask(service.metrics, "/readyz").body
        assert serving(service.grpc, ALIVE)
        assert ask(service.metrics, "/healthz").ok
        assert value_of(service.metrics, "interference_ready") == 0
        # Whoever has not heard of it yet is served as before; what is submitted is not lost.
        assert submit(client).refresh().state == "PENDING"
        began = time.monotonic()
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(60) == 0
        assert time.monotonic() - began < 20


def part_of_ray(service: Running, name: str) -> psutil.Process:
    """A process of the local cluster."""
    below = psutil.Process(service.process.pid).children(recursive=True)
    (found,) = [each for each in below if each.name() == name]
    return found


@pytest.mark.timeout(900)
def test_a_cluster_that_hangs_is_seen_comes_back_and_does_not_keep_the_service_from_ending(
    files: Path, tmp_path: Path
):
    settings = FEW_RESOURCES | {
        "INTERFERENCE_HEALTH__EVERY_SECONDS": "0.5",
        "INTERFERENCE_HEALTH__ANSWER_SECONDS": "2",
    }
    with running_service(tmp_path, {"data": files}, settings) as service:
        cluster = 'interference_dependency_up{dependency="cluster"}'
        control_store = part_of_ray(service, "gcs_server")
        eventually(lambda: serving(service.grpc, READY), what="readiness")
        control_store.suspend()
        eventually(lambda: not serving(service.grpc, READY), what="the loss of the cluster")
        assert ask(service.metrics, "/readyz").body == "not there: cluster\n"
        assert value_of(service.metrics, cluster) == 0
        assert serving(service.grpc, ALIVE)
        assert ask(service.metrics, "/healthz").ok
        control_store.resume()
        eventually(lambda: serving(service.grpc, READY), what="the return of the cluster")
        assert value_of(service.metrics, cluster) == 1
        # Now it hangs for good, so the way out, too, waits for it.
        raylet = part_of_ray(service, "raylet")
        raylet.suspend()
        control_store.suspend()
        began = time.monotonic()
        service.process.terminate()
        service.process.wait(60)
        assert time.monotonic() - began < 30
        eventually(lambda: gone([raylet, control_store]), what="the end of what it had started")
    assert lines_of(tmp_path / "service.log")[-1]["event"] == "ended_by_force"
