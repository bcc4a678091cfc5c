"""Jobs outlive what is killed around them, and stop when they are told to."""

from pathlib import Path

import psutil
import pytest

from interference_client import Client, Job, JobCancelled, Options
from interference_service.demo.server import Running, running_service
from support import examples
from support.processes import actors, gone
from support.service import FEW_RESOURCES
from support.submissions import rows, submit, submit_brief, submit_slow
from support.waiting import eventually


def computing(job: Job) -> bool:
    """Whether a job has finished a unit of its gradients and has more to do."""
    progress = job.refresh().progress
    return progress.stage == "GRADIENTS" and 0 < progress.completed_units < progress.total_units


@pytest.mark.slow
def test_a_job_outlives_the_death_of_the_server(files: Path, tmp_path: Path):
    with running_service(tmp_path, {"data": files}, FEW_RESOURCES) as first:
        with Client(first.grpc) as client:
            job = submit_brief(client)
            eventually(lambda: computing(job), what="gradients")
        children = psutil.Process(first.process.pid).children(recursive=True)
        first.process.kill()
        first.process.wait()
        psutil.wait_procs(children, timeout=5)
    with (
        running_service(tmp_path, {"data": files}, FEW_RESOURCES) as second,
        Client(second.grpc) as client,
    ):
        again = client.job(job.name).wait(timeout=120)
        assert again.state == "SUCCEEDED"
        assert again.attempt == 2
        assert [each.name for each in client.list()] == [job.name]
        assert again.result().conflict("shared").shape == (4, 4)


def test_cancel_stops_the_work(service: Running, client: Client):
    job = submit_slow(client)
    eventually(lambda: computing(job), what="gradients")
    working = eventually(lambda: actors(service, "gradients"), what="an actor at work")
    job.cancel("enough")
    with pytest.raises(JobCancelled):
        job.wait(timeout=30)
    assert job.state == "CANCELLED"
    assert "enough" in job.error.message
    eventually(lambda: gone(working), within_seconds=10, what="the end of its actors")


def test_a_job_that_waits_is_cancelled_at_once(service: Running, client: Client):
    running = [submit_slow(client) for _ in range(3)]
    waiting = submit_slow(client)
    assert waiting.cancel().state == "CANCELLED"
    for job in running:
        job.cancel()
    for job in running:
        job.wait(timeout=30, check=False)


def test_the_actor_of_a_job_that_fails_serves_no_other(
    service: Running, client: Client, files: Path
):
    examples.write_with_a_broken_row(files / "broken.parquet")
    spares = eventually(lambda: actors(service), what="a spare")
    job = submit(client, data=rows("broken.parquet")).wait(timeout=60, check=False)
    assert job.error.reason == "NON_FINITE"
    eventually(
        lambda: any(gone([spare]) for spare in spares),
        within_seconds=10,
        what="the end of the one that it took",
    )


def test_what_cannot_be_computed_here_is_refused_and_does_not_wait_longer_than_it_may(
    files: Path, tmp_path: Path
):
    settings = FEW_RESOURCES | {
        "INTERFERENCE_COMPUTE__DEVICE": "gpu",
        "INTERFERENCE_COMPUTE__GPUS_PER_ACTOR": "1000",
        "INTERFERENCE_COMPUTE__GPU_WAIT_SECONDS": "1",
        "INTERFERENCE_COMPUTE__MAX_GRADIENT_BYTES": str(1 << 20),
    }
    with (
        running_service(tmp_path, {"data": files}, settings) as service,
        Client(service.grpc) as client,
    ):
        no_worker = submit(client).wait(timeout=60, check=False).error
        too_large = (
            submit_slow(client, options=Options(folds=4, engine="exact"))
            .wait(timeout=60, check=False)
            .error
        )
    assert no_worker.reason == "WORKER_LOST"
    assert "one needs 1000 gpus" in no_worker.message
    assert (too_large.reason, too_large.violations[0].field) == (
        "INPUT_UNSUPPORTED",
        "spec.options.folds",
    )


@pytest.mark.slow
def test_sigterm_hands_a_running_job_back(files: Path, tmp_path: Path):
    with running_service(tmp_path, {"data": files}, FEW_RESOURCES) as first:
        with Client(first.grpc) as client:
            job = submit_brief(client)
            eventually(lambda: computing(job), what="gradients")
        first.process.terminate()
        assert first.process.wait(30) == 0
    with (
        running_service(tmp_path, {"data": files}, FEW_RESOURCES) as second,
        Client(second.grpc) as client,
    ):
        assert client.job(job.name).wait(timeout=120).state == "SUCCEEDED"
