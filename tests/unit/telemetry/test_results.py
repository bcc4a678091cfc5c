"""What the store becomes in the metrics: the newest result of every monitor, and the queue."""

import math
from datetime import timedelta

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from support.jobs import (
    CLASSES,
    COLUMNS,
    NAN,
    START,
    analysis_result,
    class_matrices,
    column,
    job,
)
from support.result_series import Bench


@pytest.fixture
def bench():
    return Bench()


def test_a_monitor_is_summed_up(bench):
    bench.publish()
    assert bench.of("monitor_info") == {("projects/default/analysisJobs/a", "solar", "", "v7"): 1}
    end = (START + timedelta(seconds=1)).timestamp()
    for name, wanted in {
        "last_analysis_timestamp_seconds": end,
        "classes": 4,
        "minority_classes": 2,
        "unlearned_minority_classes": 1,
        "conflicting_pairs": 4,
        "truncated_classes": 0,
    }.items():
        assert bench.of(f"monitor_{name}") == {("solar",): wanted}, name


def test_every_class_says_what_it_is_even_where_it_cannot_be_judged(bench):
    bench.publish()
    names = [each.id for each in CLASSES]
    for name, wanted in {
        "class_prior_ratio": [0.75, 0.2, 0.05, 0.0],
        "class_minority": [0, 0, 1, 1],
        "class_judged": [1, 1, 1, 0],
        "class_unlearned": [float(each.unlearned) for each in CLASSES],
        "class_gradient_rows": [750, 200, 50, 0],
    }.items():
        found = bench.of(name)
        assert [found[each, "solar"] for each in names] == wanted, name


def test_undetermined_numbers_are_absent(bench):
    bench.publish()
    samples = bench.samples()
    assert not any(math.isnan(value) for value in samples.values())
    of_unseen = {key[0] for key in samples if "unseen" in key}
    assert of_unseen == {
        f"interference_class_{name}"
        for name in (
            "prior_ratio",
            "minority",
            "judged",
            "unlearned",
            "unlearned_streak",
            "gradient_rows",
        )
    }


def test_values_of_a_class_are_those_of_the_shared_scope(bench):
    bench.publish()
    for name, wanted in {
        "class_progress_ratio": -0.4,
        "class_suppression_ratio": 1.4,
        "class_suppression_ratio_lower": 1.3,
        "class_suppression_ratio_upper": 1.5,
        "class_support_ratio": 0.0,
        "class_support_ratio_lower": -0.1,
        "class_support_ratio_upper": 0.1,
        "class_gradient_norm": 0.5,
    }.items():
        assert bench.of(name)["cracked", "solar"] == pytest.approx(wanted), name


def test_bounds_of_the_progress_ratio_hold_for_all_classes_at_once(bench):
    bench.publish()
    assert bench.of("class_progress_ratio_lower")["cracked", "solar"] == pytest.approx(-0.6)
    assert bench.of("class_progress_ratio_upper")["cracked", "solar"] == pytest.approx(-0.2)


def test_bounds_are_pointwise_where_there_are_no_others(bench):
    columns = [each for each in COLUMNS if each.name != "progress_ratio_simultaneous"]
    bench.publish(result=analysis_result(columns=columns))
    assert bench.of("class_progress_ratio_upper")["cracked", "solar"] == pytest.approx(-0.3)


def test_a_metric_without_bounds_has_no_series_of_bounds(bench):
    bench.publish(
        result=analysis_result(columns=[column("suppression", (0, 0, 0, 0), half_width=None)])
    )
    assert bench.of("class_suppression_ratio_lower") == {}
    assert len(bench.of("class_suppression_ratio")) == 4


def test_a_result_without_the_shared_scope_still_has_its_classes(bench):
    bench.publish(result=analysis_result(scopes=()))
    assert bench.of("class_progress_ratio") == {}
    assert bench.of("class_main_suppressor") == {}
    assert len(bench.of("class_judged")) == 4


def test_the_main_suppressor_has_the_amount_of_its_suppression(bench):
    bench.publish()
    amounts = class_matrices()["shared/suppression"]
    assert bench.of("class_main_suppressor") == {
        ("snow, wet", "solar", "clean"): amounts[1, 0],
        ("cracked", "solar", "clean"): amounts[2, 0],
    }


def test_the_main_suppressor_is_told_even_where_the_amount_is_not_known(bench):
    bench.publish(result=analysis_result())
    assert set(bench.of("class_main_suppressor").values()) == {1.0}


def test_conflicting_pairs_are_counted_from_the_list_where_the_summary_lacks_them(bench):
    bench.publish(result=analysis_result(summary=()))
    assert bench.of("monitor_conflicting_pairs") == {("solar",): 1}


def test_registering_reads_nothing(bench, monkeypatch):
    bench.publish()
    CollectorRegistry(auto_describe=True).register(bench.collector)
    assert bench.artifacts.read == []


def test_the_queue_is_counted_with_the_age_of_its_oldest_job(bench):
    assert bench.of("queue_oldest_job_age_seconds") == {(): 0}
    for index in range(2):
        bench.store.create(job(f"job-{index}", now=START + timedelta(seconds=index)), None)
    bench.now = START + timedelta(seconds=90)
    assert bench.of("jobs") == {("PENDING",): 2, ("RUNNING",): 0, ("CANCELLING",): 0}
    assert bench.of("queue_oldest_job_age_seconds") == {(): pytest.approx(90)}


def test_a_job_from_the_future_has_no_age(bench):
    bench.store.create(job(now=START + timedelta(hours=1)), None)
    assert bench.of("queue_oldest_job_age_seconds") == {(): 0}


def test_infinite_bounds_are_told():
    bench = Bench()
    wide = column("suppression", (0.5, NAN, 0.5, 0.5)).model_copy(
        update={"upper": (np.inf, NAN, 1.0, 1.0)}
    )
    bench.publish(result=analysis_result(columns=[wide]))
    found = bench.of("class_suppression_ratio_upper")
    assert found["clean", "solar"] == np.inf
    assert ("snow, wet", "solar") not in found


def test_monitors_of_two_projects_are_two(bench):
    bench.publish("a", monitor="solar")
    bench.publish("b", monitor="solar", project="other")
    assert bench.of("monitor_classes") == {("solar",): 4, ("solar", "other"): 4}
