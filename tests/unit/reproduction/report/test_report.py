import json
from pathlib import Path

import pytest

from interference_service.reproduction.records import Bounded, RunRecord
from interference_service.reproduction.report.document import Document, cell_text
from interference_service.reproduction.report.report import report, write_report
from support.reproduced import record, renamed, summarised

# Recognised of 20 rows of the small class, and its cosine with the others.
BASELINE, CSBA = (
    {0: (6, -0.5), 1: (8, -0.6), 2: (7, -0.55)},
    {0: (12, -0.2), 1: (13, -0.32), 2: (13, -0.24)},
)


def runs(network: str, outcomes: dict[int, tuple[int, float]]) -> list[RunRecord]:
    return [
        record(network, seed, recognised=recognised, cosine=cosine)
        for seed, (recognised, cosine) in outcomes.items()
    ]


def both() -> list[RunRecord]:
    return runs("multi_branch_cnn", BASELINE) + runs("csba_cnn", CSBA)


def document(records: list[RunRecord], dataset: str = "digits") -> Document:
    found = report(records, dataset, 20.0)
    assert found is not None
    return found


def text(records: list[RunRecord], directory: Path, dataset: str = "digits") -> str:
    return write_report(document(records, dataset), directory).read_text()


def as_of(dataset: str, records: list[RunRecord], **changes: object) -> list[RunRecord]:
    """The records as if they were of another data set."""
    return [
        each.model_copy(update={"key": each.key.model_copy(update={"dataset": dataset}), **changes})
        for each in records
    ]


def row(text: str, title: str, name: str) -> list[str]:
    """The cells of a row of a table."""
    _, found, after = text.partition(f"**{title}**\n\n")
    assert found, f"no table {title!r}"
    lines = after.partition("\n\n")[0].split("\n")
    cells = [[each.strip() for each in line.strip("|").split(" | ")] for line in lines]
    return next(each for each in cells if each[0] == name)


def test_scores_are_means_over_seeds_with_paired_differences(tmp_path):
    told = text(both(), tmp_path)
    _, precision, recall, f1, difference, paper = row(told, "Class few", "CSBA")
    assert recall == "0.633 [0.562, 0.705]"
    assert precision == "1.000"
    assert f1.startswith("0.775 [")
    # 24/32 - 12/26, 26/33 - 16/28, 26/33 - 14/27
    assert difference.startswith("0.258 [")
    assert paper == "·"
    assert row(told, "Class few", "multi-branch")[4] == "·"


def test_macro_f1_and_accuracy_are_of_the_last_epoch(tmp_path):
    told = text([record(recognised=20)], tmp_path)
    _, f1, _, _, accuracy, _ = row(told, "All classes", "multi-branch")
    assert (f1, accuracy) == ("1.000", "1.000")


def test_the_papers_figures_stand_beside_ours(tmp_path):
    told = text(as_of("cifar10-lt", both()), tmp_path, "cifar10-lt")
    assert row(told, "All classes", "multi-branch")[3] == "0.595"
    assert row(told, "All classes", "CSBA")[3] == "0.655"
    assert "Macro F1, CSBA minus multi-branch: 0.1" in told
    assert "in the paper +0.060. CSBA is better, as in the paper." in told
    assert row(told, "Parameters, here for 3 classes, in the paper for 6", "CSBA")[1:] == [
        "1,790,000",
        "1,790,000",
    ]
    assert row(
        told, "Parameters, here for 3 classes, in the paper for 6", "CSBA more than multi-branch"
    )[1:] == ["+32.6%", "+32.6%"]


@pytest.mark.parametrize("rows", [(80, 60, 10), (50, 50, 50)])
def test_the_class_of_the_papers_claim_is_held_against_it_minority_or_not(tmp_path, rows):
    panels = [renamed(each, ("Clean", "Dusty", "Physical-Damage")) for each in both()]
    records = as_of("solar-panels", panels, training_rows=rows)
    told = text(records, tmp_path, "solar-panels")
    assert row(told, "Class Physical-Damage", "multi-branch")[5] == "0.261"
    assert row(told, "Class Physical-Damage", "CSBA")[5] == "0.522"
    assert "F1 of Physical-Damage, CSBA minus multi-branch: 0.258" in told


def test_less_interference_is_told_as_the_claim_has_it(tmp_path):
    told = text(both(), tmp_path)
    assert (
        "- mean minority cosine, corrected: 0.297 [0.259, 0.335]: less interference with CSBA, as claimed."
        in told
    )
    assert "- worst progress ratio: 0.000: no difference shown." in told
    assert (
        "In these trainings classes interfere less with CSBA, as claimed. Of 5 measures of "
        "interference 2 differ in the direction of the claim, 3 show no difference, 0 differ the "
        "other way, and 0 are undetermined."
    ) in told


def test_more_interference_is_told_as_against_the_claim(tmp_path):
    told = text(runs("multi_branch_cnn", CSBA) + runs("csba_cnn", BASELINE), tmp_path)
    assert (
        "corrected: -0.297 [-0.335, -0.259]: more interference with CSBA, against the claim."
        in told
    )
    assert "classes interfere more with CSBA, against the claim. Of 5" in told
    assert "2 differ the other way" in told


def test_seeds_that_disagree_show_no_difference(tmp_path):
    unsteady = {0: (6, -0.9), 1: (8, -0.1), 2: (7, -0.55)}
    told = text(runs("multi_branch_cnn", BASELINE) + runs("csba_cnn", unsteady), tmp_path)
    assert "That classes interfere less with CSBA does not show in these trainings." in told
    assert "0 differ in the direction of the claim, 5 show no difference" in told


def test_measures_that_contradict_each_other_bear_nothing_out(tmp_path):
    conflicting = [
        summarised(
            each,
            each.analyses[-1].summary
            | {"conflicting_pair_share": Bounded(value=0.5 + each.key.seed / 100)},
        )
        for each in runs("csba_cnn", CSBA)
    ]
    told = text(runs("multi_branch_cnn", BASELINE) + conflicting, tmp_path)
    assert "The measures contradict each other" in told


def test_a_measure_that_no_analysis_could_determine_is_called_so(tmp_path):
    without = [summarised(each, {}) for each in both()]
    told = text(without, tmp_path)
    assert "- worst progress ratio: ·: undetermined." in told
    assert "and 3 are undetermined." in told


def test_one_seed_judges_nothing(tmp_path):
    told = text([record("multi_branch_cnn"), record("csba_cnn")], tmp_path)
    assert "The claim cannot be judged: there are not two seeds" in told


def test_of_the_papers_figures_one_network_alone_says_nothing(tmp_path):
    told = text(as_of("cifar10-lt", runs("multi_branch_cnn", BASELINE)), tmp_path, "cifar10-lt")
    assert "Nothing says whether they differ: that takes two seeds of both networks" in told


def test_without_csba_nothing_is_claimed(tmp_path):
    told = text(runs("multi_branch_cnn", BASELINE), tmp_path)
    assert (
        "The claim cannot be judged: the multi-branch network and CSBA are not both here." in told
    )


def test_a_reduced_budget_and_what_is_missing_are_named(tmp_path):
    told = text([*both(), record("residual_cnn", 0, epochs=1)], tmp_path)
    assert "Reduced budget: 2 of 40 epochs;" in told
    assert (
        "Not finished, and left out below: digits-20-residual_cnn-cross_entropy-mean-seed0." in told
    )
    assert "| residual |" not in told


def test_trainings_of_another_imbalance_stay_out(tmp_path):
    other = record("csba_cnn", 7, imbalance=1.0, recognised=20)
    assert text([*both(), other], tmp_path / "a") == text(both(), tmp_path / "b")


def test_the_order_of_records_does_not_matter(tmp_path):
    assert text(both()[::-1], tmp_path / "a") == text(both(), tmp_path / "b")


def test_every_layer_has_its_cosines_early_and_late(tmp_path):
    told = text(both(), tmp_path)
    assert row(told, "CSBA: mean minority cosine by layer", "stem") == [
        "stem",
        *["-0.127", "-0.253"] * 2,
    ]


def test_few_held_out_rows_are_pooled_with_a_bootstrap_interval(tmp_path):
    (_, rows, recognised, f1), _ = pooled(both())
    assert (rows, recognised) == (60, 21)
    assert f1.value == pytest.approx(42 / 81)
    assert f1.lower < f1.value < f1.upper
    # Recall alone varies by sqrt(0.35 * 0.65 / 60): 6 points.
    assert 0.1 < f1.upper - f1.lower < 0.35


def test_of_a_class_that_is_never_recognised_a_bootstrap_says_nothing():
    never = dict.fromkeys(range(3), (0, -0.5))
    ((_, _, recognised, f1),) = pooled(runs("multi_branch_cnn", never))
    assert recognised == 0
    assert f1 == Bounded(value=0)


def pooled(records: list[RunRecord]) -> list[tuple]:
    """The rows of the table of classes with few held-out rows."""
    return [
        each
        for section in document(records).sections
        for table in section.tables
        if table.title.startswith("Few held-out rows")
        for each in table.rows
    ]


def test_mitigations_are_set_beside_the_networks(tmp_path):
    balanced = [
        record("multi_branch_cnn", seed, recognised=recognised + 1 + seed, loss="class_balanced")
        for seed, (recognised, _) in BASELINE.items()
    ]
    told = text([*both(), *balanced], tmp_path)
    name, paired = "multi-branch, class-balanced", "Mitigations minus multi-branch, paired by seed"
    assert row(told, "Networks and mitigations", name)[1].startswith("0.450")
    assert row(told, paired, name)[1] == "0.100 [-0.024, 0.224]"
    # They are no network of their own.
    assert "class-balanced: mean minority cosine by layer" not in told


def test_mitigations_alone_are_reported_alone():
    balanced = record("multi_branch_cnn", loss="class_balanced")
    titles = [each.title for each in document([balanced]).sections]
    assert titles == ["What was run", "Mitigations"]


def test_without_analyses_the_scores_are_there_alone(tmp_path):
    told = text([record(analysed=())], tmp_path)
    assert "The service was not asked in these trainings." in told
    assert "## Recognition" in told


def test_every_figure_that_is_named_is_written(tmp_path):
    told = text(both(), tmp_path)
    names = {each.partition(")")[0] for each in told.split("](")[1:]}
    assert names == {
        "figures/macro-f1.svg",
        "figures/progress-few.svg",
        *(
            f"figures/conflict-{name}-epoch{epoch}.svg"
            for name in ("csba_cnn", "multi_branch_cnn")
            for epoch in (1, 2)
        ),
    }
    for each in names:
        assert (tmp_path / each).read_text().startswith("<svg")


def test_programs_read_the_numbers_as_numbers(tmp_path):
    write_report(document(both()), tmp_path)
    written = json.loads((tmp_path / "report.json").read_text())
    (table,) = [
        table
        for section in written["sections"]
        for table in section["tables"]
        if table["title"] == "Interference over the training"
    ]
    of_csba = dict(zip(table["headings"], table["rows"][1], strict=True))
    assert of_csba["mean minority cosine, corrected"]["value"] == pytest.approx(-0.76 / 3)


def test_nothing_finished_is_nothing_to_report():
    assert report([record(epochs=1)], "digits", 20.0) is None


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (None, "·"),
        (1234, "1,234"),
        (0.5, "0.500"),
        (float("nan"), "·"),
        ("a|b", "a\\|b"),
        (Bounded(value=None), "·"),
        (Bounded(value=0.25), "0.250"),
        (Bounded(value=0.25, lower=-0.1, upper=0.6), "0.250 [-0.100, 0.600]"),
    ],
)
def test_a_cell_is_short_and_says_what_is_unknown(cell, shown):
    assert cell_text(cell) == shown


def test_the_gain_of_class_specific_attention_is_told_from_that_of_attention(tmp_path):
    shared = {seed: (11 + seed, -0.3) for seed in range(3)}
    told = text([*both(), *runs("shared_attention_cnn", shared)], tmp_path)
    assert "(CSBA minus shared attention): 0.0" in told
    assert "minus shared attention" not in text(both(), tmp_path)
