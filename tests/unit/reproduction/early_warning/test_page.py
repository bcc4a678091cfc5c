"""What the page says follows from the numbers, and it is the same for the same records."""

import json
import re
from pathlib import Path

import pytest

from interference_service.cli import main
from interference_service.reproduction.early_warning.alerts import ALERTS
from interference_service.reproduction.early_warning.estimates import Estimate
from interference_service.reproduction.early_warning.prediction import Measure, Question
from interference_service.reproduction.early_warning.sentences import (
    against_chance,
    against_known,
    of_the_loss,
)
from interference_service.reproduction.early_warning.signals import SIGNALS
from support.simulated_runs import record

README = (
    Path(__file__).parents[4] / "service/interference_service/reproduction/early_warning/README.md"
)


def keep(directory: Path, *records) -> Path:
    for each in records:
        each.save(directory / each.key.slug / "record.json")
    return directory


def made(runs: Path, out: Path, *more: str) -> tuple[str, dict]:
    assert main(["early-warning", f"--runs={runs}", f"--out={out}", "--draws=200", *more]) == 0
    return (out / "early-warning.md").read_text(), json.loads(
        (out / "early-warning.json").read_text()
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    records = [record(seed, effect=2.0, undetermined=0.1) for seed in range(8)]
    balanced = [record(seed, imbalance=1) for seed in range(3)]
    return keep(tmp_path_factory.mktemp("runs"), *records, *balanced)


def test_the_command_writes_the_same_page_for_the_same_records(runs, tmp_path, capsys):
    page, document = made(runs, tmp_path / "one")
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "one" / name) for name in ("early-warning.md", "early-warning.json")
    ]
    assert (page, document) == made(runs, tmp_path / "other")
    assert "tells minorities that will fail from the others better than chance" in page
    assert "11 trainings of multi_branch_cnn for 9 epochs, imbalance 1, 100; 3 of them" in page


def test_the_document_has_every_number_and_null_for_none(runs, tmp_path):
    _, document = made(runs, tmp_path, "--horizon=2", "--horizon=1", "--horizon=2")
    assert document["settings"]["horizons"] == [1, 2]
    (found,) = document["datasets"]
    constant = next(
        each
        for each in found["measures"]
        if each["question"]["signal"] == "recall" and each["question"]["target"] == "recall"
    )
    assert constant["estimate"]["value"] is None
    assert constant["estimate"]["why"] == "nothing to compare"


def test_tables_have_as_many_cells_as_headings(runs, tmp_path):
    page, _ = made(runs, tmp_path)
    for table in page.split("\n\n"):
        if table.startswith("|"):
            assert len({line.count("|") for line in table.strip().splitlines()}) == 1


def test_directories_are_read_together(runs, tmp_path):
    more = keep(tmp_path / "more", record(50, effect=2.0))
    page, _ = made(runs, tmp_path / "out", f"--runs={more}")
    assert "12 trainings" in page


def complaint(capsys, *arguments: str) -> str:
    assert main(["early-warning", *arguments, "--out=out"]) == 1
    return capsys.readouterr().err


def test_a_training_that_is_there_twice_is_told(runs, tmp_path, capsys):
    again = keep(tmp_path, record(3))
    said = complaint(capsys, f"--runs={runs}", f"--runs={again}")
    assert "digits-100-multi_branch_cnn-cross_entropy-mean-seed3 is there twice" in said


def test_an_empty_directory_is_told(tmp_path, capsys):
    assert "has no training: no */record.json" in complaint(capsys, f"--runs={tmp_path}")


def test_a_file_that_is_no_record_is_told_with_its_place(tmp_path, capsys):
    file = tmp_path / "one" / "record.json"
    file.parent.mkdir()
    file.write_text('{"key": 3}')
    said = complaint(capsys, f"--runs={tmp_path}")
    assert f"{file} is no record of a training (key: " in said
    assert "INTERFERENCE_" not in said


def test_trainings_that_cannot_be_studied_are_told(tmp_path, capsys):
    unseen = record(0).model_copy(update={"analyses": ()})
    said = complaint(capsys, f"--runs={keep(tmp_path, unseen)}")
    assert "of 1 trainings none is finished, analysed after its first epoch" in said


@pytest.mark.parametrize(
    "wrong", ["--horizon=0", "--draws=99", "--seed=-1", "--fails-below=0", "--fails-below=1.5"]
)
def test_options_that_do_not_fit_are_told(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["early-warning", "--runs=runs", "--out=out", wrong])
    assert wrong.partition("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (Estimate(0.7, 0.6, 0.8), "better than chance: AUC 0.70 (0.60 to 0.80)."),
        (
            Estimate(0.7, 0.4, 0.8),
            "no better than chance: AUC 0.70 (0.40 to 0.80); the interval holds 0.5.",
        ),
        (Estimate(0.3, 0.2, 0.4), "points the wrong way"),
        (
            Estimate(0.9, why="fewer than 5 trainings on a side"),
            "nothing can be claimed. AUC 0.90 (no interval: fewer",
        ),
        (
            Estimate(float("nan"), why="nothing to compare"),
            "AUC undetermined (nothing to compare).",
        ),
    ],
)
def test_a_claim_needs_an_interval_that_excludes_chance(estimate, said):
    assert said in against_chance(Measure(Question("suppression", "fails"), estimate, 9, 3))


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (Estimate(0.1, 0.05, 0.2), "class share: +0.10 (+0.05 to +0.20), better"),
        (Estimate(0.1, -0.05, 0.2), "no better as the interval holds 0"),
        (Estimate(-0.1, -0.2, -0.05), "worse"),
        (Estimate(0.1, why="the same in every draw"), "nothing can be claimed"),
    ],
)
def test_better_needs_an_interval_that_excludes_zero(estimate, said):
    question = Question("suppression", "fails", reference="share")
    assert said in against_known(Measure(question, estimate, 9, 3))


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (
            Estimate(0.5, 0.3, 0.6),
            "falls in 2 epochs: it falls less where the signal is less healthy",
        ),
        (Estimate(0.1, -0.2, 0.3), "no connection is shown, as the interval holds 0"),
        (Estimate(-0.5, -0.6, -0.3), "the wrong way, correlation -0.50 (-0.60 to -0.30)."),
        (Estimate(0.9, why="few"), "nothing can be claimed, correlation +0.90 (no interval: few)."),
    ],
)
def test_a_connection_with_the_loss_needs_an_interval_that_excludes_zero(estimate, said):
    assert said in of_the_loss(Measure(Question("suppression", "loss", 2), estimate, 9, None))


def test_where_all_or_none_fail_nothing_is_claimed(tmp_path):
    kept = keep(tmp_path / "runs", *(record(seed, fails=(False,) * 3) for seed in range(6)))
    page, _ = made(kept, tmp_path / "out")
    assert "Of 18 minorities none fail: there is nothing to tell apart" in page
    assert "than chance" not in page


def test_where_nothing_is_to_be_told_by_there_are_no_tables_of_it(tmp_path):
    runs = [record(seed, epochs=1, fails=(True,) * 3) for seed in range(6)]
    page, _ = made(keep(tmp_path / "runs", *runs), tmp_path / "out")
    assert "” fires " not in page
    assert "No minority was analysed before the end" in page
    assert "**Recall at the end**" not in page
    assert "**Alerts where nothing is wrong**" in page


def test_the_readme_tells_of_every_signal_alert_and_option(capsys):
    text = README.read_text("utf-8")
    missing = [each.title for each in ALERTS if f"| {each.title} |" not in text]
    missing += [each for one in SIGNALS for each in one.title.split() if each not in text]
    assert missing == []
    with pytest.raises(SystemExit, match="0"):
        main(["early-warning", "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    told = set(re.findall(r"(?<=`)--[a-z-]+|(?<= )--[a-z]+(?= )", text))
    assert told
    assert told <= known
