"""The local Ray of a service listens on every interface, and answers its own processes alone."""

import os
import subprocess
import sys

import psutil
import pytest

ASK = """
import sys
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
try:
    print(len(GcsClient(address=sys.argv[1]).internal_kv_keys(b"", b"fun", 10)))
except AuthenticationError:
    print("refused")
"""


@pytest.fixture(scope="module")
def raylet(service) -> psutil.Process:
    children = psutil.Process(service.process.pid).children(recursive=True)
    return next(each for each in children if each.name() == "raylet")


def answer(raylet: psutil.Process, **variables: str) -> str:
    """What the cluster of a node tells who has these variables; the functions that it may run."""
    (address,) = (
        each.partition("=")[2] for each in raylet.cmdline() if each.startswith("--gcs-address=")
    )
    others = {name: each for name, each in os.environ.items() if not name.startswith("RAY_")}
    return subprocess.run(
        [sys.executable, "-c", ASK, address],
        env=others | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.strip()


def token(raylet: psutil.Process) -> str:
    return raylet.environ()["RAY_AUTH_TOKEN"]


def test_who_has_the_token_is_answered(raylet):
    assert int(answer(raylet, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token(raylet))) > 0


def test_a_stranger_is_refused(raylet):
    assert answer(raylet, RAY_AUTH_MODE="disabled") == "refused"


def test_another_token_is_refused(raylet, tmp_path):
    other = "0" * len(token(raylet))
    assert answer(raylet, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=other) == "refused"
    file = tmp_path / "token"
    file.write_text(other)
    assert answer(raylet, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(file)) == "refused"
