"""The trainings of the study are planned as it needs them, made, and studied."""

import itertools

import pytest

from interference_client.testing import FakeClass, FakeService, Succeeds
from interference_service.cli import main
from interference_service.reproduction.early_warning import trainings
from interference_service.reproduction.early_warning.estimates import LEAST_RUNS
from interference_service.reproduction.early_warning.trainings import PARTS, Part, plans
from interference_service.reproduction.plan import BUDGETS
from interference_service.reproduction.stored import stored_runs
from support.reproduced import result_without_conflicts

RESULT = result_without_conflicts(
    {str(digit): FakeClass(minority=digit > 5) for digit in range(10)}
)


@pytest.mark.parametrize("name", BUDGETS)
def test_no_two_trainings_share_a_seed_and_some_are_balanced(name):
    keys = list(itertools.chain.from_iterable(plan.keys for plan in plans(name)))
    assert len({key.seed for key in keys}) == len(keys)
    assert {key.network for key in keys} == {"multi_branch_cnn"}
    assert 1 in {key.imbalance for key in keys} != {1}
    assert all(plan.budget.analyse_every for plan in plans(name))


@pytest.mark.parametrize("name", ["full", "hour"])
def test_there_are_enough_trainings_for_intervals(name):
    assert all(part.seeds >= LEAST_RUNS for part in PARTS[name])


def test_a_small_study_is_trained_and_told(tmp_path, capsys, monkeypatch):
    parts = Part("digits", 1.0, 1, 2, 1), Part("digits", 20.0, 1, 2, 1)
    monkeypatch.setattr(trainings, "PARTS", {"quick": parts})
    monkeypatch.setattr(trainings, "BASELINE", "residual_cnn")  # the smallest
    arguments = ["early-warning", "--train=quick", f"--out={tmp_path}", "--device=cpu"]
    with FakeService() as service:
        service.plan(Succeeds(RESULT))
        assert main([*arguments, f"--target={service.target}"]) == 0
        records = stored_runs(tmp_path)
        page = (tmp_path / "early-warning.md").read_text()
        calls = len(service.calls)
        # What is there is studied again, and not made again.
        assert main([*arguments, f"--target={service.target}"]) == 0
        assert len(service.calls) == calls
    assert [each.finished for each in records] == [True] * 2
    assert "2 trainings of residual_cnn for 2 epochs, imbalance 1, 20; 1 of them balanced" in page
    assert (tmp_path / "early-warning.md").read_text() == page
    assert str(tmp_path / "early-warning.md") in capsys.readouterr().out


def test_without_trainings_there_is_nothing_to_study(capsys):
    assert main(["early-warning", "--out=out"]) == 2
    assert "--runs or --train must say" in capsys.readouterr().err


def test_the_data_of_a_study_must_lie_somewhere(capsys):
    assert main(["early-warning", "--train=hour", "--out=out"]) == 2
    said = capsys.readouterr().err
    assert "--data must say where infrared-solar-modules and cifar10-lt lie" in said


def test_a_study_whose_data_are_not_there_is_told(tmp_path, capsys):
    arguments = ["--train=hour", f"--data={tmp_path}", f"--out={tmp_path}", "--device=cpu"]
    assert main(["early-warning", *arguments]) == 1
    said = capsys.readouterr().err
    assert "infrared-solar-modules was not found" in said
    assert "has no training" in said
