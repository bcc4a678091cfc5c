from collections.abc import Iterator
from pathlib import Path

import pytest

from interference_client.testing import Fails, FakeClass, FakeResult, FakeService, Succeeds
from interference_service.cli import USAGE_ERROR, main
from interference_service.reproduction.records import RunRecord, load_all

TINY = ("--budget", "quick", "--epochs", "1", "--networks", "residual_cnn")
PAIRS = [[0.0] * 10] * 10
RESULT = FakeResult(
    classes={str(digit): FakeClass(minority=digit > 5) for digit in range(10)},
    matrices={
        f"{owner}/{kind}": PAIRS
        for owner in ("shared", "features", "head")
        for kind in ("cosine", "plain_cosine")
    },
)


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as service:
        service.plan(Succeeds(RESULT))
        yield service


def reproduce(out: Path, service: FakeService, *arguments: str) -> int:
    given = ["reproduce", "digits", "--out", str(out), "--target", service.target, "--device=cpu"]
    return main([*given, *TINY, *arguments])


def records(out: Path) -> list[RunRecord]:
    return list(load_all(out / "runs"))


def analysed(record: RunRecord) -> list[int]:
    return [each.epoch for each in record.analyses]


def test_an_experiment_is_trained_analysed_and_reported(tmp_path, service, capsys):
    assert reproduce(tmp_path, service, "--seeds", "2") == 0
    assert [(each.key.seed, analysed(each)) for each in records(tmp_path)] == [
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


def test_what_is_there_is_not_made_again(tmp_path, service):
    reproduce(tmp_path, service, "--seeds", "1")
    calls, before = (
        len(service.calls),
        {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*")},
    )
    report = (tmp_path / "report.md").read_text()
    assert reproduce(tmp_path, service, "--seeds", "1") == 0
    assert len(service.calls) == calls
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*")} == before
    assert (tmp_path / "report.md").read_text() == report


def test_more_seeds_go_on_where_fewer_ended(tmp_path, service):
    reproduce(tmp_path, service, "--seeds", "1")
    (first,) = records(tmp_path)
    reproduce(tmp_path, service, "--seeds", "2")
    assert records(tmp_path)[0] == first
    assert len(records(tmp_path)) == 2


def test_missing_analyses_are_told_and_made_up_for_by_the_same_command(tmp_path, service, capsys):
    service.plan(Fails())
    assert reproduce(tmp_path, service, "--seeds", "1") == 1
    (found,) = records(tmp_path)
    assert found.finished
    assert analysed(found) == []
    assert "All else goes on; the same command makes up for it." in capsys.readouterr().err

    service.plan(Succeeds(RESULT))
    assert reproduce(tmp_path, service, "--seeds", "1") == 0
    (whole,) = records(tmp_path)
    assert analysed(whole) == [0, 1]
    assert whole.epochs == found.epochs


def test_a_record_that_lags_behind_its_checkpoint_catches_up(tmp_path, service):
    reproduce(tmp_path, service, "--seeds", "1")
    (whole,) = records(tmp_path)
    lagging = whole.model_copy(update={"epochs": whole.epochs[:1], "analyses": ()})
    lagging.save(tmp_path / "runs" / whole.key.slug / "record.json")
    assert reproduce(tmp_path, service, "--seeds", "1") == 0
    assert records(tmp_path) == [whole]


def test_other_settings_for_the_same_trainings_are_refused_before_anything_is_trained(
    tmp_path, service, capsys
):
    reproduce(tmp_path, service, "--seeds", "1")
    assert reproduce(tmp_path, service, "--seeds", "2", "--epochs", "3") == 1
    assert "epochs 1, now 3" in capsys.readouterr().err
    assert len(records(tmp_path)) == 1


def test_the_report_alone_is_written_of_what_is_there(tmp_path, service):
    reproduce(tmp_path, service, "--seeds", "1")
    report = (tmp_path / "report.md").read_text()
    (tmp_path / "report.md").unlink()
    calls = len(service.calls)
    assert reproduce(tmp_path, service, "--report-only") == 0
    assert (tmp_path / "report.md").read_text() == report
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
    ],
)
def test_arguments_that_cannot_be_are_refused(tmp_path, capsys, arguments, wrong):
    with pytest.raises(SystemExit) as caught:
        main(["reproduce", "digits", "--out", str(tmp_path), *arguments])
    assert caught.value.code == USAGE_ERROR
    assert f"argument {wrong}" in capsys.readouterr().err
