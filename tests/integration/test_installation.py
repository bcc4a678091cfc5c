"""The distribution alone is a client; what is heavy comes with its extras."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SCRIPT = """
import importlib.metadata, json, sys, time
started = time.perf_counter()
import interference_client
seconds = time.perf_counter() - started
names = sorted(each.name.lower() for each in importlib.metadata.distributions())
print(json.dumps({"seconds": seconds, "installed": names, "modules": sorted(sys.modules)}))
"""


@pytest.mark.timeout(300)
def test_the_client_alone_installs_without_torch_and_ray(tmp_path: Path):
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    options = ("--quiet", "--disable-pip-version-check")
    run(python, "-m", "pip", "install", *options, "-c", PROJECT / "constraints.txt", PROJECT)
    found = json.loads(run(python, "-c", SCRIPT, cwd=tmp_path))
    assert not {"torch", "ray", "pydantic", "sqlalchemy"} & set(found["installed"])
    assert not {"torch", "ray"} & set(found["modules"])
    version = run(environment / "bin" / "interference", "--help", cwd=tmp_path)
    assert "Exit statuses" in version


def run(*command: object, cwd: Path = PROJECT) -> str:
    """Run a command; its output, and its errors where it fails."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd=cwd, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
