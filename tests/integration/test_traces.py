"""Traces of a real service, as a real collector gets them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import TracerProvider

from interference_client import Client, Job, ModelReference, NotFound
from interference_service.demo.server import Running, running_service
from support import examples
from support.collector import Collector, collecting, plain, sending_to
from support.network_ports import free_port
from support.processes import actors
from support.service import FEW_RESOURCES
from support.submissions import rows, slow_rows, submit
from support.waiting import eventually

pytestmark = pytest.mark.slow

SERVICE = "interference.v1.AnalysisService"
COLLECTOR_SECRET, CLIENT_SECRET = "collector-hunter2", "client-hunter2"
CLOCKS_NANOS = 50_000_000
"""By how much the clocks of two processes of one machine may seem to differ."""


class World:
    """A service, its collector and its client."""

    def __init__(self, service: Running, collector: Collector, home: Path) -> None:
        self.service, self.collector, self.home = service, collector, home
        self.client = Client(service.grpc, token=CLIENT_SECRET)
        self.tracer = TracerProvider(shutdown_on_exit=False).get_tracer("pipeline")

    def one(self, name: str, **attributes: Any) -> Span:
        """The span that has these attributes, once it has come."""
        wanted = {f"interference.{key}": value for key, value in attributes.items()}.items()

        def found() -> list[Span]:
            spans = self.collector.named(name)
            return [each for each in spans if wanted <= plain(each.attributes).items()]

        (span,) = eventually(found, what=f"{name} with {wanted}")
        return span

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Lines of the service's log."""
        text = (self.home / "service.log").read_text()
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]


@pytest.fixture(scope="module")
def world(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("traced")
    with collecting() as (collector, sending):
        settings = FEW_RESOURCES | sending
        settings["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization=Bearer%20{COLLECTOR_SECRET}"
        settings["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment.name=night"
        with running_service(home, {"data": files}, settings) as service:
            world = World(service, collector, home)
            with world.client:
                yield world


@pytest.fixture(scope="module")
def job(world: World) -> Job:
    """A job that has succeeded, submitted within a trace of the pipeline."""
    with world.tracer.start_as_current_span("pipeline"):
        job = submit(world.client, job_id="traced")
    job.wait(timeout=90)
    return job


def hexadecimal(span: Span) -> tuple[str, str]:
    return span.trace_id.hex(), span.span_id.hex()


def test_a_submission_goes_on_with_the_trace_of_the_pipeline(world: World):
    with world.tracer.start_as_current_span("pipeline") as pipeline:
        job = submit(world.client, job_id="within")
    span = world.one(f"{SERVICE}/CreateAnalysisJob", job=job.name)
    context = pipeline.get_span_context()
    assert span.trace_id.hex() == f"{context.trace_id:032x}"
    assert span.parent_span_id.hex() == f"{context.span_id:016x}"
    assert span.kind == Span.SPAN_KIND_SERVER
    attributes = plain(span.attributes)
    assert attributes["interference.project"] == "default"
    assert attributes["rpc.grpc.status_code"] == 0
    (line,) = [
        line
        for line in world.lines("call finished")
        if line["request_id"] == attributes["interference.request_id"]
    ]
    assert (line["trace_id"], line["span_id"]) == hexadecimal(span)
    job.wait(timeout=90)


def test_an_attempt_is_a_trace_of_its_own_that_is_linked_to_the_submission(world: World, job: Job):
    submission = world.one(f"{SERVICE}/CreateAnalysisJob", job=job.name)
    attempt = world.one("attempt", job=job.name)
    assert not attempt.parent_span_id
    assert attempt.trace_id != submission.trace_id
    (link,) = attempt.links
    assert (link.trace_id, link.span_id) == (submission.trace_id, submission.span_id)
    attributes = plain(attempt.attributes)
    assert attributes["interference.attempt"] == 1
    assert attributes["interference.state"] == "SUCCEEDED"
    (line,) = [each for each in world.lines("attempt_started") if each["job"] == job.name]
    assert (line["trace_id"], line["span_id"]) == hexadecimal(attempt)


def test_stages_and_the_work_of_workers_are_within_their_attempt(world: World, job: Job):
    collector, attempt = world.collector, world.one("attempt", job=job.name)
    scan, gradients, reduce, write = collector.within(attempt)
    stages = [each.name for each in (scan, gradients, reduce, write)]
    assert stages == ["scan", "gradients", "reduce", "write"]

    preflight, *of_scan = collector.within(scan)
    assert preflight.name == "preflight"
    tried = {each.name for each in collector.within(preflight)}
    # The model is read once for all jobs.
    assert tried | {"fetch_model"} == {"resolve", "fetch_model", "inspect", "digest_data"}
    assert [each.name for each in of_scan] == ["scan", "fetch"]

    units = [each for each in collector.within(gradients) if each.name == "gradients"]
    assert sum(plain(each.attributes)["interference.rows"] for each in units) == sum(
        examples.COUNTS
    )
    assert {each.name for each in collector.within(gradients)} == {"load", "gradients"}
    assert {plain(each.attributes)["process.pid"] for each in units}.isdisjoint(
        {world.service.process.pid}
    )
    assert {"reduce", "finish"} <= {each.name for each in collector.within(reduce)}


def test_what_is_within_something_has_its_trace_and_its_time(world: World, job: Job):
    attempt = world.one("attempt", job=job.name)
    spans = [each for each in world.collector.spans if each.trace_id == attempt.trace_id]
    by_id = {each.span_id: each for each in spans}
    assert len(spans) > 12
    for span in spans:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        if span is not attempt and span.span_id != attempt.span_id:
            parent = by_id[span.parent_span_id]
            assert span.start_time_unix_nano >= parent.start_time_unix_nano - CLOCKS_NANOS
            assert span.end_time_unix_nano <= parent.end_time_unix_nano + CLOCKS_NANOS


def test_a_validation_is_within_its_call(world: World):
    model = ModelReference("data://cnn.pt2")
    submit(world.client, model=model, job_id="tried", validate_only=True)

    def tried() -> list[Span]:
        calls = world.collector.named(f"{SERVICE}/CreateAnalysisJob")
        return [part for call in calls for part in world.collector.within(call)]

    (preflight,) = eventually(tried)
    assert preflight.name == "preflight"
    assert "inspect" in {each.name for each in world.collector.within(preflight)}


def test_a_job_that_fails_marks_the_stage_that_failed(world: World):
    job = submit(world.client, data=rows(label="not_there"), job_id="failing")
    with pytest.raises(Exception, match="not_there"):
        job.wait(timeout=60).result()
    attempt = world.one("attempt", job=job.name, state="FAILED")
    assert attempt.status.code == Status.STATUS_CODE_ERROR
    (scan,) = world.collector.within(attempt)
    assert scan.status.code == Status.STATUS_CODE_ERROR
    assert "not_there" in scan.status.message


def test_a_mistake_of_the_caller_is_told_by_its_code_alone(world: World):
    with pytest.raises(NotFound):
        world.client.job("not-there")
    span = world.one(f"{SERVICE}/GetAnalysisJob", job="projects/default/analysisJobs/not-there")
    assert plain(span.attributes)["rpc.grpc.status_code"] == 5
    assert span.status.code == Status.STATUS_CODE_UNSET


def test_the_service_says_who_it_is(world: World, job: Job):
    world.one("attempt", job=job.name)
    resource = world.collector.resources[0]
    assert resource["service.name"] == "interference-service"
    assert resource["deployment.environment.name"] == "night"


def test_the_collector_gets_its_secret_and_nobody_else(world: World, job: Job):
    world.one("attempt", job=job.name)
    assert world.collector.metadata[0]["authorization"] == f"Bearer {COLLECTOR_SECRET}"
    log = (world.home / "service.log").read_text()
    told = [str(request) for request in world.collector.requests]
    for secret in (COLLECTOR_SECRET, CLIENT_SECRET):
        assert secret not in log
        assert not any(secret in each for each in told)
    below = psutil.Process(world.service.process.pid).children(recursive=True)
    assert actors(world.service)
    assert not any("OTEL_EXPORTER_OTLP_HEADERS" in each.environ() for each in below)


def test_the_link_survives_a_killed_service(files: Path, tmp_path: Path):
    with collecting() as (collector, sending):
        settings = FEW_RESOURCES | sending
        slow = ModelReference("data://slow.pt2")
        with running_service(tmp_path, {"data": files}, settings) as service:
            world = World(service, collector, tmp_path)
            with world.client as client, world.tracer.start_as_current_span("pipeline") as pipeline:
                job = submit(client, model=slow, data=slow_rows(), job_id="slow")
                eventually(lambda: client.job("slow").state == "RUNNING")
            world.one(f"{SERVICE}/CreateAnalysisJob", job=job.name)
            for child in psutil.Process(service.process.pid).children(recursive=True):
                child.kill()
            service.process.kill()
            service.process.wait()
        with running_service(tmp_path, {"data": files}, settings) as service:
            world = World(service, collector, tmp_path)
            with world.client as client:
                eventually(lambda: client.job("slow").attempt == 2)
                client.job("slow").cancel()
                attempt = world.one("attempt", job=job.name, attempt=2)
    assert plain(attempt.attributes)["interference.state"] == "CANCELLED"
    assert attempt.links[0].trace_id.hex() == f"{pipeline.get_span_context().trace_id:032x}"


@pytest.mark.parametrize("collector_is", ["absent", "silent"])
def test_jobs_run_and_the_service_stops_whatever_the_collector_does(
    files: Path, tmp_path: Path, collector_is: str
):
    with collecting() as (collector, sending):
        collector.answering.clear()
        if collector_is == "absent":
            sending = sending_to(free_port())
        settings = FEW_RESOURCES | sending
        with (
            running_service(tmp_path, {"data": files}, settings) as service,
            Client(service.grpc) as client,
        ):
            for number in range(3):
                job = submit(client, job_id=f"job-{number}")
                assert job.wait(timeout=90).state == "SUCCEEDED"
            for _ in range(300):
                client.job("job-0")
        # Nobody had to end it by force.
        assert service.process.returncode == 0
        assert bool(collector.requests) == (collector_is == "silent")
    log = (tmp_path / "service.log").read_text().splitlines()
    complaints = [line for line in log if "opentelemetry" in line]
    assert len(complaints) < 10
    assert json.loads(log[-1])["event"] == "stopped"
