"""The study says of simulated trainings what was put into them."""

import math

import pytest

from interference_service.reproduction.early_warning.observations import observations
from interference_service.reproduction.early_warning.prediction import Measure, Question
from interference_service.reproduction.early_warning.sentences import sentences
from interference_service.reproduction.early_warning.study import (
    DatasetFindings,
    Settings,
    study,
)
from support.simulated_runs import record

SETTINGS = Settings(horizons=(1, 4, 20), fails_below=0.5, draws=300, seed=0)
EFFECT = 1.2
AREA = 0.5 * (1 + math.erf(EFFECT / 2))
"""Of two normal numbers that differ by the effect."""
RUNS = 30


def of(records, settings: Settings = SETTINGS) -> DatasetFindings:
    (found,) = study(records, settings).datasets
    return found


def answer(found: DatasetFindings, *question, **more) -> Measure:
    asked = Question(*question, **more)
    (measure,) = (each for each in (*found.measures, *found.differences) if each.question == asked)
    return measure


@pytest.fixture(scope="module")
def telling() -> DatasetFindings:
    return of([record(seed, effect=EFFECT, undetermined=0.1) for seed in range(RUNS)])


@pytest.fixture(scope="module")
def mute() -> DatasetFindings:
    return of([record(seed) for seed in range(RUNS)])


@pytest.mark.parametrize("among", ["all", "alike"])
@pytest.mark.parametrize("signal", ["progress_ratio", "suppression", "cosine"])
def test_a_signal_that_tells_has_the_area_that_was_put_in(telling, signal, among):
    estimate = answer(telling, signal, "fails", among=among).estimate
    assert estimate.value == pytest.approx(AREA, abs=0.05)
    assert 0.5 < estimate.lower < AREA < estimate.upper


@pytest.mark.parametrize("stage", ["early", "middle", "late"])
def test_it_tells_at_every_stage(telling, stage):
    estimate = answer(telling, "progress_ratio", "fails", stage=stage).estimate
    assert estimate.lower < AREA < estimate.upper
    assert answer(telling, "progress_ratio", "recall", stage=stage).estimate.lower > 0


def test_a_signal_that_tells_nothing_is_not_said_to_tell(mute):
    estimate = answer(mute, "progress_ratio", "fails").estimate
    assert estimate.lower < 0.5 < estimate.upper
    correlation = answer(mute, "progress_ratio", "recall").estimate
    assert correlation.lower < 0 < correlation.upper
    less = answer(mute, "progress_ratio", "fails", reference="share").estimate
    assert less.lower < 0 < less.upper


def test_what_ties_all_rows_is_chance_without_an_interval(telling):
    for signal, among in (("plain_cosine", "all"), ("recall", "all"), ("share", "alike")):
        estimate = answer(telling, signal, "fails", among=among).estimate
        assert estimate.value == 0.5
        assert estimate.why == "the same in every draw"


def test_a_difference_is_that_of_the_areas(telling):
    less = answer(telling, "progress_ratio", "fails", reference="plain_cosine")
    area = answer(telling, "progress_ratio", "fails")
    assert less.estimate.value == pytest.approx(area.estimate.value - 0.5)
    assert less.rows == area.rows
    assert less.estimate.lower > 0


def test_a_fall_is_foretold_by_what_fails_at_the_end(telling):
    """Recall falls in the last epoch alone, so four epochs before it in one row of each class."""
    measure = answer(telling, "progress_ratio", "falls", 4)
    failing = telling.content.failing
    assert failing * 0.7 < measure.positives <= failing
    assert measure.estimate.lower > 0.5


@pytest.mark.parametrize("signal", ["progress_ratio", "descent_rate", "suppression"])
def test_what_tells_a_failure_tells_the_rise_of_the_loss(telling, signal):
    """Loss rises in the last epoch alone, of what fails."""
    by_the_end, before = answer(telling, signal, "loss"), answer(telling, signal, "loss", 4)
    assert by_the_end.estimate.lower > 0
    assert before.estimate.lower > 0
    assert before.rows < by_the_end.rows == answer(telling, signal, "recall").rows
    less = answer(telling, signal, "loss", reference="share")
    assert less.estimate.lower > 0


def test_trainings_without_held_out_losses_tell_nothing_of_them():
    found = of([record(seed, effect=EFFECT, losses=False) for seed in range(6)])
    for measure in (answer(found, "progress_ratio", "loss"), answer(found, "loss", "fails")):
        assert (measure.rows, measure.estimate.why) == (0, "nothing to compare")
    assert answer(found, "progress_ratio", "recall").rows > 0


def test_horizons_that_nothing_reaches_are_left_out(telling):
    assert telling.horizons == (1, 4)


def test_undetermined_numbers_are_left_out_and_counted_either_way(telling):
    left_out, healthy, ill = (
        answer(telling, "progress_ratio", "fails", undetermined=way)
        for way in ("left out", "healthy", "ill")
    )
    content = telling.content
    assert left_out.rows == content.observations - content.undetermined < content.observations
    assert healthy.rows == ill.rows == content.observations
    # They are undetermined by chance, so that to count them as anything tells less.
    assert left_out.estimate.value > max(healthy.estimate.value, ill.estimate.value)


def test_what_is_never_undetermined_is_asked_once(telling):
    ways = {
        each.question.undetermined for each in telling.measures if each.question.signal == "loss"
    }
    assert ways == {"left out"}


def test_the_content_is_counted(telling):
    content = telling.content
    assert (content.runs, content.balanced_runs, content.minorities) == (RUNS, 0, 3 * RUNS)
    assert content.analyses == 9 * RUNS
    assert content.observations == 8 * 3 * RUNS
    assert 0.3 < content.failing / content.minorities < 0.7


def test_rows_at_the_end_have_nothing_to_predict_and_the_untrained_network_is_no_stage():
    seen = observations([record(0, epochs=4)], (1,), 0.5)
    assert {each.epoch for each in seen} == {1, 2, 3, 4}
    assert {each.epoch for each in seen if each.last} == {4}
    assert {each.epoch: each.stage for each in seen} == {
        1: "early",
        2: "middle",
        3: "late",
        4: "late",
    }
    assert {each.epoch for each in seen if 1 in each.correct_later} == {1, 2, 3}


@pytest.mark.parametrize(("epochs", "thirds"), [(3, "123"), (9, "111222333"), (2, "23"), (1, "3")])
def test_stages_are_thirds_of_the_epochs(epochs, thirds):
    seen = observations([record(0, epochs=epochs)], (1,), 0.5)
    stages = {each.epoch: each.stage for each in seen}
    wanted = {"1": "early", "2": "middle", "3": "late"}
    assert list(stages.values()) == [wanted[each] for each in thirds]


def test_fewer_classes_fail_by_a_lower_bar():
    records = [record(seed, fails=(True, False, False)) for seed in range(6)]
    assert of(records).content.failing == 6
    lower = Settings(horizons=(1,), fails_below=0.1, draws=100, seed=0)
    assert of(records, lower).content.failing == 0


def test_trainings_that_do_not_belong_are_counted():
    whole = record(0)
    unfinished = record(1).model_copy(update={"epochs": record(1).epochs[:5]})
    unseen = record(2).model_copy(update={"analyses": record(2).analyses[:1]})
    key = record(3).key.model_copy(update={"gradient": "projected"})
    other = record(3).model_copy(update={"key": key})
    found = study([whole, unfinished, unseen, other], SETTINGS)
    left_out = found.left_out
    assert (left_out.unfinished, left_out.not_analysed, left_out.other_update) == (1, 1, 1)
    assert [each.content.runs for each in found.datasets] == [1]


def test_few_trainings_have_numbers_but_no_intervals():
    found = of([record(seed, effect=EFFECT) for seed in range(4)])
    estimate = answer(found, "progress_ratio", "fails").estimate
    assert estimate.value > 0.5
    assert not estimate.bounded


def test_balanced_trainings_leave_predictions_as_they_are():
    some = [record(seed, effect=EFFECT) for seed in range(8)]
    with_balanced = of([*some, *(record(seed, imbalance=1) for seed in range(4))])
    # Texts, as what is undetermined equals nothing.
    assert str(with_balanced.measures) == str(of(some).measures)
    assert with_balanced.content.balanced_runs == 4


@pytest.mark.parametrize(
    "records",
    [
        [record(seed, imbalance=1) for seed in range(6)],
        [record(seed, epochs=1) for seed in range(6)],
    ],
    ids=["balanced", "of one epoch"],
)
def test_without_rows_to_predict_nothing_is_claimed_and_alarms_are_counted(records):
    found = of(records)
    assert found.content.observations == 0
    assert {each.estimate.why for each in found.measures} == {"nothing to compare"}
    assert not any("better than chance" in each for each in sentences(found))
    assert found.false_alarms
