"""Checkers of what is in ``deploy/``, where the machine has them."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
_OF_THE_PROJECT = ROOT / ".venv-deploy" / "bin"
_SECONDS = 60


def checker(name: str, how_to_get_it: str) -> str:
    """Path of a program; the test is skipped where there is none."""
    found = shutil.which(name) or shutil.which(name, path=str(_OF_THE_PROJECT))
    if found is None:
        pytest.skip(f"{name} is not installed; {how_to_get_it}")
    return found


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its output is kept, its status not looked at."""
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=_SECONDS, **options
    )
