import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from interference_client.testing import Fails, FakeClass, FakeService, Succeeds
from interference_service.cli import USAGE_ERROR, main
from interference_service.reproduction.records import RunRecord
from interference_service.reproduction.stored import stored_runs
from support.reproduced import result_without_conflicts

TINY = ("--budget", "quick", "--epochs", "1", "--networks", "residual_cnn")
RESULT = result_without_conflicts(
    {str(digit): FakeClass(minority=digit > 5) for digit in range(10)}
)


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as service:
        service.plan(Succeeds(RESULT))
        yield service


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """An experiment of one seed, which nobody may change."""
    out = tmp_path_factory.mktemp("trained")
    with FakeService() as service:
        service.plan(Succeeds(RESULT))
        assert reproduce(out, service, "--seeds", "1") == 0
    return out


@pytest.fixture
def out(tmp_path, trained) -> Path:
    """The same for one test."""
    return Path(shutil.copytree(trained, tmp_path / "out"))


def reproduce(out: Path, service: FakeService, *arguments: str) -> int:
    given = ["reproduce", "digits", "--out", str(out), "--target", service.target, "--device=cpu"]
    return main([*given, *TINY, *arguments])


def analysed(record: RunRecord) -> list[int]:
    return [each.epoch for each in record.analyses]


def test_an_experiment_is_trained_analysed_and_reported(tmp_path, service, capsys):
    assert reproduce(tmp_path, service, "--seeds", "2") == 0
    assert [(each.key.seed, analysed(each)) for each in stored_runs(tmp_path)] == [
        (0, [0, 1]),
        (1, [0, 1]),
    ]
    report = (tmp_path / "report.md").read_text()
    assert "| residual | 0, 1 | cpu |" in report
    assert "Reduced budget: 1 of 40 epochs" in report
    told = capsys.readouterr().err
    assert "epoch 1 of 1: macro F1" in told
    # After either seed.
    assert told.count("report: ") == 2


def test_what_is_there_is_not_made_again(out, service):
    calls, before = (
        len(service.calls),
        {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*")},
    )
    report = (out / "report.md").read_text()
    assert reproduce(out, service, "--seeds", "1") == 0
    assert len(service.calls) == calls
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*")} == before
    assert (out / "report.md").read_text() == report


def test_more_seeds_go_on_where_fewer_ended(out, service):
    (first,) = stored_runs(out)
    reproduce(out, service, "--seeds", "2")
    assert stored_runs(out)[0] == first
    assert len(stored_runs(out)) == 2


def test_missing_analyses_are_told_and_made_up_for_by_the_same_command(tmp_path, service, capsys):
    service.plan(Fails())
    assert reproduce(tmp_path, service, "--seeds", "1") == 1
    (found,) = stored_runs(tmp_path)
    assert found.finished
    assert analysed(found) == []
    assert "All else goes on; the same command makes up for it." in capsys.readouterr().err

    service.plan(Succeeds(RESULT))
    assert reproduce(tmp_path, service, "--seeds", "1") == 0
    (whole,) = stored_runs(tmp_path)
    assert analysed(whole) == [0, 1]
    assert whole.epochs == found.epochs


def test_a_record_that_lags_behind_its_checkpoint_catches_up(out, service):
    (whole,) = stored_runs(out)
    lagging = whole.model_copy(update={"epochs": whole.epochs[:1], "analyses": ()})
    lagging.save(out / "runs" / whole.key.slug / "record.json")
    assert reproduce(out, service, "--seeds", "1") == 0
    assert stored_runs(out) == [whole]


def test_other_settings_for_the_same_trainings_are_refused_before_anything_is_trained(
    out, service, capsys
):
    assert reproduce(out, service, "--seeds", "2", "--epochs", "3") == 1
    assert "epochs 1, now 3" in capsys.readouterr().err
    assert len(stored_runs(out)) == 1


def test_the_report_alone_is_written_of_what_is_there(out, service):
    report = (out / "report.md").read_text()
    (out / "report.md").unlink()
    calls = len(service.calls)
    assert reproduce(out, service, "--report-only") == 0
    assert (out / "report.md").read_text() == report
    assert len(service.calls) == calls


def test_there_may_be_nothing_to_report(tmp_path, service, capsys):
    assert reproduce(tmp_path, service, "--report-only") == 0
    assert "nothing to report" in capsys.readouterr().err
    assert not (tmp_path / "report.md").exists()


def test_a_set_that_is_not_there_is_named(tmp_path, capsys):
    where = str(tmp_path / "nowhere")
    out = str(tmp_path / "out")
    assert main(["reproduce", "solar-panels", "--data", where, "--out", out]) == 1
    told = capsys.readouterr().err
    assert "solar-panels was not found" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("command", [["reproduce", "digits"], ["early-warning", "--train=quick"]])
def test_a_device_that_is_not_there_is_told(tmp_path, capsys, monkeypatch, command):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main([*command, f"--out={tmp_path}", "--device=cuda"]) == USAGE_ERROR
    assert "--device is cuda, and torch finds no such device" in capsys.readouterr().err


def test_a_set_of_images_needs_a_place(tmp_path, capsys):
    assert main(["reproduce", "cifar10-lt", "--out", str(tmp_path)]) == USAGE_ERROR
    assert "--data must say where cifar10-lt lies" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["--seeds", "0"], "--seeds"),
        (["--epochs", "-1"], "--epochs"),
        (["--analyse-every", "-1"], "--analyse-every"),
        (["--imbalance", "0.5"], "--imbalance"),
        (["--imbalance", "nan"], "--imbalance"),
        (["--networks", "vgg"], "--networks"),
        (["--budget", "unlimited"], "--budget"),
        (["--seeds", "three"], "--seeds: 'three' is not a whole number of 1 or more"),
        (["--imbalance", "high"], "--imbalance: 'high' is not a number of 1 (balanced) or more"),
    ],
)
def test_arguments_that_cannot_be_are_refused(tmp_path, capsys, arguments, wrong):
    with pytest.raises(SystemExit) as caught:
        main(["reproduce", "digits", "--out", str(tmp_path), *arguments])
    assert caught.value.code == USAGE_ERROR
    assert f"argument {wrong}" in capsys.readouterr().err
