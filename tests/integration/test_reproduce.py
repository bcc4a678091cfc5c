"""Experiments on digits in small: through a real service, and interrupted."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from interference_service.cli import main
from interference_service.reproduction.plan import Plan
from interference_service.reproduction.records import Budget, RunKey, RunRecord
from interference_service.reproduction.reproduce import Reproduction, reproduce
from interference_service.reproduction.stored import stored_runs
from support.waiting import eventually

_SECONDS = 300
WAYS = (
    ("multi_branch_cnn", "cross_entropy"),
    ("csba_cnn", "cross_entropy"),
    ("multi_branch_cnn", "logit_adjusted"),
)
BUDGET = Budget(epochs=1, batch=32, learning_rate=0.05, warm_up_epochs=0, analyse_every=1)
ONE_ACTOR = {
    "INTERFERENCE_COMPUTE__NUM_CPUS": "2",
    "INTERFERENCE_COMPUTE__MAX_ACTORS": "1",
    "INTERFERENCE_COMPUTE__SPARE_ACTORS": "0",
    "INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES": str(1 << 30),
}
"""Every actor has to start, and most of an analysis of so few rows is that."""


@pytest.mark.timeout(2 * _SECONDS)
def test_digits_are_trained_analysed_by_a_service_and_reported(tmp_path, monkeypatch, capsys):
    for name, value in ONE_ACTOR.items():
        monkeypatch.setenv(name, value)
    keys = tuple(
        RunKey(dataset="digits", network=network, loss=loss, imbalance=20) for network, loss in WAYS
    )
    wanted = Reproduction(Plan(keys, BUDGET), None, tmp_path, torch.device("cpu"))
    assert reproduce(wanted) == 0
    records = stored_runs(tmp_path)
    assert {each.key for each in records} == set(keys)
    for record in records:
        assert [each.epoch for each in record.analyses] == [0, 1]
        for analysis in record.analyses:
            assert any(each.minority for each in analysis.classes)
            assert analysis.summary["mean_minority_cosine"].value is not None
            assert "head" in [each.name for each in analysis.layers]
    report = (tmp_path / "report.md").read_text()
    for heading in ("What was run", "Recognition", "Interference", "Conflict matrices"):
        assert f"\n## {heading}\n" in report
    assert re.search(r"^\| CSBA \| 0 \| cpu \| \d+ \| 2 \|$", report, re.MULTILINE)
    assert "| multi-branch, logit-adjusted |" in report.partition("\n## Mitigations\n")[2]
    for figure in re.findall(r"\]\((figures/.*?)\)", report):
        assert (tmp_path / figure).is_file()

    # Nothing is left to do: no service is started, and nothing is written anew.
    log = (tmp_path / "service" / "service.log").read_bytes()
    assert reproduce(wanted) == 0
    assert (tmp_path / "service" / "service.log").read_bytes() == log
    assert stored_runs(tmp_path) == records
    assert (tmp_path / "report.md").read_text() == report
    assert capsys.readouterr().err.count("report: ") == 2

    # And what the service found can be studied.
    study = ["early-warning", f"--runs={tmp_path / 'runs'}", f"--out={tmp_path}", "--draws=100"]
    assert main(study) == 0
    page = (tmp_path / "early-warning.md").read_text()
    assert "2 trainings of csba_cnn, multi_branch_cnn for 1 epochs" in page
    assert "1 with another loss or rule" in page


@pytest.mark.timeout(2 * _SECONDS)
def test_an_interrupted_experiment_goes_on_to_the_same_end(tmp_path):
    interrupted, whole = tmp_path / "interrupted", tmp_path / "whole"
    with started(command(interrupted)) as process:
        eventually(lambda: epochs(interrupted) > 0, within_seconds=_SECONDS)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=_SECONDS)
    assert process.returncode == 130, told
    assert "interrupted; the same command goes on" in told
    assert "Traceback" not in told
    assert 0 < epochs(interrupted) < len(range(6 + 1))

    assert main(command(interrupted)) == main(command(whole)) == 0
    (found,), (wanted,) = stored_runs(interrupted), stored_runs(whole)
    assert outcome(found) == outcome(wanted)


def command(out: Path) -> list[str]:
    """A training that no service analyses."""
    small = ("--networks=residual_cnn", "--seeds=1", "--epochs=6", "--analyse-every=0")
    return ["reproduce", "digits", "--device=cpu", f"--out={out}", *small]


@contextmanager
def started(arguments: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """A process of the command, which does not outlive the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "interference_service", *arguments],
        env=os.environ,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def epochs(out: Path) -> int:
    """How many were kept so far."""
    return sum(len(each.epochs) for each in stored_runs(out))


def outcome(record: RunRecord) -> tuple[object, ...]:
    """All of a training but how long it took."""
    return record.key, [(each.training_loss, each.scores) for each in record.epochs]
