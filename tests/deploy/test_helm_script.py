"""The service as a node of a Ray cluster: the script lets neither live without the other."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest

from support.helm_chart import CHART
from support.waiting import eventually

SCRIPT = CHART / "files" / "serve-as-ray-node.sh"
SECONDS = 20

NODE = """
import os, pathlib, signal, socket, sys, time
log = open(os.environ["LOG"], "a", buffering=1)
if os.environ.get("NODE") == "refused":
    sys.exit(3)
def end(*_):
    print("node ends", file=log)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("node starts", *sys.argv[1:], file=log)
place = pathlib.Path(os.environ["TMPDIR"], "ray", "session_latest", "sockets")
assert not place.exists()
place.mkdir(parents=True)
socket.socket(socket.AF_UNIX).bind(str(place / "raylet"))
while True:
    time.sleep(60)
"""
SERVICE = """
import os, signal, sys, time
log = open(os.environ["LOG"], "a", buffering=1)
signals = 0
def end(*_):
    global signals
    signals += 1
    if os.environ.get("DRAIN") == "long" and signals == 1:
        print("service drains", file=log)
        return
    print("service ends", file=log)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("service starts", *sys.argv[1:], file=log)
while True:
    time.sleep(60)
"""


class Running:
    """The script, and what its two programs have told."""

    def __init__(self, process, log):
        self.process = process
        self._log = log

    def told(self):
        return self._log.read_text("utf-8").splitlines()

    def wait_for(self, line):
        eventually(
            lambda: any(each.startswith(line) for each in self.told()),
            within_seconds=SECONDS,
            what=line,
        )

    def pid_of(self, program):
        children = psutil.Process(self.process.pid).children()
        [pid] = [each.pid for each in children if program in " ".join(each.cmdline())]
        return pid


@pytest.fixture
def started(tmp_path):
    programs, log = tmp_path / "programs", tmp_path / "log"
    programs.mkdir()
    log.touch()
    for name, code in (("ray", NODE), ("interference-service", SERVICE)):
        program = programs / name
        program.write_text(f"#!{sys.executable} -S\n{code}", "utf-8")
        program.chmod(0o755)

    @contextmanager
    def start(**variables):
        # Of a container that was here before.
        left = tmp_path / "ray" / "session_latest" / "sockets"
        left.mkdir(parents=True)
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "TMPDIR": str(tmp_path),
            "LOG": str(log),
            "RAY_ADDRESS": "head:6379",
            "POD_IP": "10.0.0.7",
            "OBJECT_STORE_BYTES": "1073741824",
        }
        process = subprocess.Popen(["bash", SCRIPT], env=environment | variables)
        running = Running(process, log)
        try:
            yield running
        finally:
            process.terminate()
            process.wait(timeout=SECONDS)

    return start


def test_the_node_joins_before_the_service_starts(started):
    with started() as running:
        running.wait_for("service starts serve")
        [node, service] = running.told()
        assert node.startswith("node starts start --block")
        assert "--address=head:6379 --node-ip-address=10.0.0.7" in node
        assert "--num-cpus=0 --num-gpus=0 --object-store-memory=1073741824" in node
        assert service == "service starts serve"


def test_the_node_stays_until_the_service_has_drained(started):
    with started(DRAIN="long") as running:
        running.wait_for("service starts")
        running.process.terminate()
        running.wait_for("service drains")
        assert running.process.poll() is None
        running.process.terminate()
        assert running.process.wait(timeout=SECONDS) == 0
        assert running.told()[2:] == ["service drains", "service ends", "node ends"]


@pytest.mark.parametrize("program", ["ray", "interference-service"])
def test_neither_lives_without_the_other(started, program):
    with started() as running:
        running.wait_for("service starts")
        os.kill(running.pid_of(program), signal.SIGKILL)
        assert running.process.wait(timeout=SECONDS) == 128 + signal.SIGKILL
        survivor = "service ends" if program == "ray" else "node ends"
        assert running.told()[2:] == [survivor]


def test_a_service_that_ends_by_itself_has_failed(started):
    with started() as running:
        running.wait_for("service starts")
        os.kill(running.pid_of("interference-service"), signal.SIGTERM)
        assert running.process.wait(timeout=SECONDS) == 1


def test_a_node_that_cannot_join_ends_the_container(started):
    with started(NODE="refused") as running:
        assert running.process.wait(timeout=SECONDS) == 1
        assert running.told() == []
