"""Spilled files last as long as the process that spilled them, and no longer than to the next."""

import subprocess
import sys
from pathlib import Path

from interference_service.compute.spilling import spilling_directory


def test_the_directory_is_there_while_it_is_used_and_gone_afterwards(tmp_path: Path):
    with spilling_directory(tmp_path / "spilled") as directory:
        (directory / "file").write_text("rows")
        assert directory.parent == tmp_path / "spilled"
    assert list((tmp_path / "spilled").iterdir()) == []


def test_services_beside_each_other_keep_their_files(tmp_path: Path):
    with spilling_directory(tmp_path) as first:
        (first / "file").write_text("rows")
        with spilling_directory(tmp_path) as second:
            assert first != second
        assert (first / "file").read_text() == "rows"


def test_what_a_killed_process_left_is_removed(tmp_path: Path):
    code = f"""
import os, pathlib, signal
from interference_service.compute.spilling import spilling_directory
with spilling_directory(pathlib.Path({str(tmp_path)!r})) as directory:
    (directory / "file").write_text("rows")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert len(list(tmp_path.glob("*/file"))) == 1
    with spilling_directory(tmp_path) as directory:
        assert [each for each in tmp_path.iterdir() if each.is_dir()] == [directory]
    assert list(tmp_path.iterdir()) == []
