"""From the request that made a job to the lines of those who work on it."""

from pathlib import Path

from interference_client import Client
from interference_service.demo.server import running_service
from support.service import FEW_RESOURCES
from support.service_log import lines_of, session_of, worker_lines
from support.submissions import submit


def test_a_job_is_followed_from_its_request_through_all_logs(files: Path, tmp_path: Path):
    with running_service(tmp_path, {"data": files}, FEW_RESOURCES) as service:
        with Client(service.grpc) as client:
            job = submit(client).wait(timeout=100)
            other = submit(client).wait(timeout=100)
        told_by_workers = list(worker_lines(session_of(service)))
    told = lines_of(tmp_path / "service.log")
    (created,) = [
        line
        for line in told
        if line["event"] == "call finished"
        and line["method"].endswith("/CreateAnalysisJob")
        and line["job"] == job.name
    ]
    assert created["request_id"]
    assert (created["code"], created["principal"], created["project"]) == (
        "OK",
        "anonymous",
        "default",
    )
    of_job = [line for line in told if line.get("job") == job.name and "attempt" in line]
    assert {line["event"] for line in of_job} >= {"attempt_started", "job_finished"}
    assert {(line["project"], line["attempt"]) for line in of_job} == {("default", 1)}
    assert all(line["timestamp"] and line["level"] and line["logger"] for line in told)
    of_workers = [line for line in told_by_workers if line.get("job") == job.name]
    assert {(line["project"], line["attempt"]) for line in of_workers} == {("default", 1)}
    assert "segmentation" in {line["event"] for line in of_workers}
    # A process that has worked for one job does not tell its name with the work of another.
    assert {line["job"] for line in told_by_workers if "job" in line} == {job.name, other.name}
