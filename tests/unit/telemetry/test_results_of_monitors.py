"""What the series say of a monitor over its analyses: streaks, changes, failures, where it happens."""

from datetime import timedelta

import numpy as np
import pytest

from interference_service.domain.result import PreviousAnalysis
from interference_service.telemetry.results import ResultCollector
from support.jobs import CLASSES, NAN, START, analysis_result, class_info, column, job
from support.result_series import FAILED, Bench

LAYERS = "layers/suppression"
CRACKED = ("cracked", "solar")


@pytest.fixture
def bench():
    return Bench()


def by_layer(*rows):
    """A result whose layers suppress the classes by these amounts."""
    matrices = {LAYERS: np.array(rows, dtype=np.float64)}
    return {"result": analysis_result(matrices=matrices), "matrices": matrices}


def test_a_streak_is_told_of_every_class(bench):
    classes = [
        each.model_copy(update={"unlearned_streak": index}) for index, each in enumerate(CLASSES)
    ]
    bench.publish(result=analysis_result(classes))
    found = bench.of("class_unlearned_streak")
    assert [found[each.id, "solar"] for each in CLASSES] == [0, 1, 2, 3]


def test_changes_are_told_with_their_bounds_where_they_are_known(bench):
    bench.publish("a")
    assert bench.of("class_progress_ratio_change") == {}
    previous = PreviousAnalysis(
        analysis_job=job("a").name,
        version="v6",
        end_time=START,
        changes=(
            column("progress_ratio", (0.0, 0.1, -0.6, NAN), half_width=0.25),
            column("suppression", (0.0, NAN, 0.5, NAN)),
        ),
    )
    bench.publish("b", result=analysis_result(previous=previous))
    for name, wanted in {
        "class_progress_ratio_change": -0.6,
        "class_progress_ratio_change_lower": -0.85,
        "class_progress_ratio_change_upper": -0.35,
        "class_suppression_ratio_change": 0.5,
        "class_suppression_ratio_change_lower": 0.4,
        "class_suppression_ratio_change_upper": 0.6,
    }.items():
        assert bench.of(name)[CRACKED] == pytest.approx(wanted), name
    assert ("v6", "v7") in {key[2:] for key in bench.of("monitor_info")}
    assert set(bench.of("class_suppression_ratio_change")) == {("clean", "solar"), CRACKED}


def test_the_main_layer_of_a_minority_has_its_share_of_all_but_the_head(bench):
    # Layers are stem, body and head; of the classes only the last two are minorities.
    bench.publish(**by_layer((9, 0, 0.1, 0), (1, 0, 0.3, 0), (0, 0, 5.0, 0)))
    assert bench.of("class_main_layer") == {("cracked", "body", "solar"): pytest.approx(0.75)}


@pytest.mark.parametrize("column", [(NAN, NAN, NAN), (0, 0, 7)])
def test_a_minority_that_nothing_is_known_to_suppress_has_no_main_layer(bench, column):
    rows = np.zeros((3, 4))
    rows[:, 2] = column
    bench.publish(**by_layer(*rows))
    assert bench.of("class_main_layer") == {}


def test_layers_that_are_undetermined_do_not_hide_the_others(bench):
    bench.publish(**by_layer((0, 0, NAN, 0), (0, 0, 0.2, 0), (0, 0, 0, 0)))
    assert bench.of("class_main_layer") == {("cracked", "body", "solar"): 1}


def test_a_matrix_that_is_too_large_for_a_scrape_is_not_read(bench, monkeypatch):
    classes = [class_info(f"c{index}", prior=0.001, minority=True) for index in range(2049)]
    infos = analysis_result(matrices={"shared/suppression": np.zeros((2049, 2049))}).matrices
    result = analysis_result(
        classes, columns=(), main_suppressor=[0] * 2049, top_conflicts=(), matrices={}
    ).model_copy(update={"matrices": infos})
    bench.publish(result=result)
    assert set(bench.of("class_main_suppressor").values()) == {1.0}
    assert bench.samples()[FAILED,] == 0


def test_layers_that_are_cut_are_counted(bench):
    bench.publish()
    assert bench.of("monitor_truncated_layers") == {("solar",): 0}
    bench = Bench(max_layers=1)
    bench.publish()
    assert bench.of("monitor_truncated_layers") == {("solar",): 2}
    assert len(bench.of("layer_conflicting_pairs")) == 1


def test_the_expected_interval_is_that_of_the_newest_analysis(bench):
    bench.publish("a", interval=timedelta(days=7))
    assert bench.of("monitor_expected_interval_seconds") == {("solar",): 7 * 86_400}
    bench.publish("b", interval=timedelta(minutes=90))
    assert bench.of("monitor_expected_interval_seconds") == {("solar",): 5_400}
    bench.publish("c")
    assert bench.of("monitor_expected_interval_seconds") == {}


def test_failures_are_counted_until_an_analysis_succeeds(bench):
    bench.publish("a")
    assert bench.of("monitor_failed_analyses") == {("solar",): 0}
    for job_id in ("b", "c"):
        bench.fail(job_id)
    assert bench.of("monitor_failed_analyses") == {("solar",): 2}
    assert bench.of("monitor_classes") == {("solar",): 4}
    bench.publish("d")
    assert bench.of("monitor_failed_analyses") == {("solar",): 0}


def test_a_monitor_that_has_only_failed_is_there_until_its_jobs_are_gone(bench):
    bench.fail("a", monitor="wind")
    assert bench.of("monitor_failed_analyses") == {("wind",): 1}
    assert bench.of("monitor_classes") == {}
    bench.store.delete(job("a").name, lambda _: None)
    assert bench.of("monitor_failed_analyses") == {}


def test_monitors_that_only_fail_take_the_room_that_is_left_those_with_most_failures_first():
    bench = Bench(max_monitors=2)
    bench.publish("a", monitor="solar")
    bench.fail("b", monitor="air")
    for job_id in ("c", "d"):
        bench.fail(job_id, monitor="wind")
    assert bench.of("monitor_failed_analyses") == {("solar",): 0, ("wind",): 2}
    assert bench.of("truncated_monitors") == {(): 1}
    bench.publish("e", monitor="water")
    assert bench.of("monitor_failed_analyses") == {("solar",): 0, ("water",): 0}
    assert bench.of("truncated_monitors") == {(): 2}


def test_a_monitor_that_is_cut_and_fails_is_counted_once():
    bench = Bench(max_monitors=1)
    bench.publish("a", monitor="solar")
    bench.fail("b", monitor="solar")
    bench.publish("c", monitor="wind")
    assert bench.of("monitor_failed_analyses") == {("wind",): 0}
    assert bench.of("truncated_monitors") == {(): 1}


def test_replicas_agree_and_a_restart_keeps_every_series(bench):
    bench.publish("a", interval=timedelta(days=1), **by_layer(*np.eye(3, 4) + 0.1))
    bench.publish("b", monitor="wind")
    bench.fail("c", monitor="wind")
    bench.fail("d", monitor="never")
    first = bench.samples()
    # Another replica has read nothing yet, and neither has one that has just started.
    bench.collector = ResultCollector(
        bench.store, bench.artifacts, seconds=lambda: bench.now.timestamp()
    )
    assert bench.samples() == first
