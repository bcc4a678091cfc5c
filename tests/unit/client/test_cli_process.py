"""Every exit status, of the real command in a process of its own."""

import signal
import subprocess
import sys

import grpc
import pytest

from interference_client import Client
from interference_client.testing import Fails, FakeService, KeepsRunning
from support.client_values import DATA, MODEL
from support.command_line import SUBMISSION
from support.waiting import eventually

COMMAND = [sys.executable, "-m", "interference_client.cli"]
BROKEN = (
    "import sys; from interference_client import cli; cli.Client.job = None; sys.exit(cli.main())"
)
HOLDS = "learns:summary/worst_progress_ratio>=0"


@pytest.fixture
def status(fake: FakeService):
    def call(*arguments: str, command: list[str] = COMMAND, target: str = fake.target) -> int:
        line = [*command, *arguments, f"--target={target}"]
        return subprocess.run(line, capture_output=True, text=True, timeout=120).returncode

    return call


def test_0_succeeded_and_passed(status):
    assert status(*SUBMISSION, "--wait", f"--gate={HOLDS}") == 0


def test_1_violated(status):
    assert status(*SUBMISSION, "--wait", "--gate=a:summary/worst_progress_ratio>=2") == 1


def test_2_usage(status):
    assert status("submit") == 2


def test_3_failed(fake, status):
    fake.plan(Fails())
    assert status(*SUBMISSION, "--wait") == 3


def test_4_cancelled(fake, status):
    fake.plan(KeepsRunning())
    with Client(fake.target) as client:
        client.submit(MODEL, DATA, job_id="job").cancel()
    assert status("wait", "job") == 4


def test_5_the_wait_timed_out_and_the_job_goes_on(fake, status):
    fake.plan(KeepsRunning())
    assert status(*SUBMISSION, "--wait", "--timeout=0.3") == 5
    with Client(fake.target) as client:
        assert [job.state for job in client.list()] == ["RUNNING"]


def test_6_not_authenticated(fake, status):
    fake.refuse(grpc.StatusCode.UNAUTHENTICATED)
    assert status("info") == 6
    fake.refuse(grpc.StatusCode.PERMISSION_DENIED)
    assert status("info") == 6


def test_7_not_reachable(status):
    assert status("info", target="127.0.0.1:1") == 7


def test_8_undetermined(status):
    assert status(*SUBMISSION, "--wait", "--gate=a:shared/progress_ratio/nobody>=0") == 8


def test_9_not_found(status):
    assert status("get", "nobody") == 9


def test_70_a_defect_of_the_client(status):
    assert status("get", "job", command=[sys.executable, "-c", BROKEN]) == 70


@pytest.mark.parametrize("cancel", [False, True])
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_130_interrupted_and_143_terminated(fake, sent, status, cancel):
    fake.plan(KeepsRunning())
    flags = ["--cancel-on-interrupt"] if cancel else []
    line = [*COMMAND, *SUBMISSION, "--wait", *flags, f"--target={fake.target}"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            told = run.stderr.readline()
            assert told == f"waiting for {fake.submissions[0].name}\n"
            run.send_signal(sent)
            assert run.wait(60) == status
            assert ("is being cancelled" if cancel else "goes on") in run.stderr.read()
        finally:
            run.kill()
    (job,) = fake.submissions
    with Client(fake.target) as client:
        handle = client.job(job.name)
        if cancel:
            eventually(lambda: handle.refresh().state == "CANCELLED", what="the cancel")
        else:
            assert handle.state == "RUNNING"


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_watch_ends_by_a_signal(fake, sent, status):
    fake.plan(KeepsRunning())
    with Client(fake.target) as client:
        job = client.submit(model=MODEL, data=DATA)
    line = [*COMMAND, "watch", job.name, f"--target={fake.target}"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout.readline()
            run.send_signal(sent)
            assert run.wait(60) == status
            assert "Traceback" not in run.stderr.read()
        finally:
            run.kill()
