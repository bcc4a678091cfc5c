"""The command ``reproduce`` on digits, through a real service, in small."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from interference_service.reproduction.records import RunRecord, load_all
from support.service import FEW_RESOURCES
from support.waiting import eventually

_SECONDS = 200
COMMAND = (sys.executable, "-m", "interference_service", "reproduce", "digits", "--device=cpu")
TWO_NETWORKS = ("--networks", "multi_branch_cnn", "csba_cnn", "--budget=quick", "--epochs=2")


def started(
    out: Path, *arguments: str, more: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    environment = os.environ | FEW_RESOURCES | (more or {})
    return subprocess.Popen(
        [*COMMAND, f"--out={out}", *arguments],
        env=environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def reproduced(out: Path, *arguments: str) -> str:
    """What it told, once it has done all."""
    process = started(out, *arguments)
    _, told = process.communicate(timeout=_SECONDS)
    assert process.returncode == 0, told
    return told


def records(out: Path) -> list[RunRecord]:
    return list(load_all(out / "runs"))


@pytest.mark.timeout(2 * _SECONDS)
def test_digits_are_trained_analysed_by_a_service_and_reported(tmp_path):
    arguments = (*TWO_NETWORKS, "--seeds=1", "--analyse-every=2")
    reproduced(tmp_path, *arguments)
    for record in records(tmp_path):
        assert [each.epoch for each in record.epochs] == [0, 1, 2]
        assert [each.epoch for each in record.analyses] == [0, 2]
        for analysis in record.analyses:
            minorities = [each for each in analysis.classes if each.minority]
            assert minorities
            assert analysis.summary["mean_minority_cosine"].value is not None
            assert "head" in [each.name for each in analysis.layers]
    report = (tmp_path / "report.md").read_text()
    for heading in ("What was run", "Recognition", "Interference", "Conflict matrices"):
        assert f"\n## {heading}\n" in report
    assert re.search(r"^\| CSBA \| 0 \| cpu \| \d+ \| 2 \|$", report, re.MULTILINE)
    for figure in re.findall(r"\]\((figures/.*?)\)", report):
        assert (tmp_path / figure).is_file()

    # Nothing is left to do: no service is started, and nothing is written anew.
    log = (tmp_path / "service" / "service.log").read_bytes()
    again = reproduced(tmp_path, *arguments)
    assert "report: " in again
    assert (tmp_path / "service" / "service.log").read_bytes() == log
    assert (tmp_path / "report.md").read_text() == report


@pytest.mark.timeout(2 * _SECONDS)
def test_an_interrupted_experiment_goes_on_to_the_same_end(tmp_path):
    arguments = (*TWO_NETWORKS, "--seeds=1", "--analyse-every=0", "--epochs=4")
    interrupted, whole = tmp_path / "interrupted", tmp_path / "whole"
    for number in (signal.SIGINT, signal.SIGTERM):
        kept = epochs(interrupted)
        process = started(interrupted, *arguments)
        eventually(lambda kept=kept: epochs(interrupted) > kept)
        process.send_signal(number)
        _, told = process.communicate(timeout=_SECONDS)
        assert process.returncode == 130, told
        assert "interrupted; the same command goes on" in told
        assert "Traceback" not in told
    assert epochs(interrupted) < 2 * len(range(4 + 1))

    reproduced(interrupted, *arguments)
    reproduced(whole, *arguments)
    assert [outcome(each) for each in records(interrupted)] == [
        outcome(each) for each in records(whole)
    ]


def epochs(out: Path) -> int:
    """How many were kept so far."""
    return sum(len(each.epochs) for each in records(out))


def outcome(record: RunRecord) -> tuple[object, ...]:
    """All of a training but how long it took."""
    return record.key, [(each.training_loss, each.scores) for each in record.epochs]
