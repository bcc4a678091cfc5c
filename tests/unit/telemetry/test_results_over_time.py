"""Which results become series, and how they follow the store."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from support.jobs import (
    CLASSES,
    analysis_result,
    class_info,
    column,
    job,
)
from support.result_series import FAILED, Bench


@pytest.fixture
def bench():
    return Bench()


def test_only_the_most_conflicting_layers_are_series():
    bench = Bench(max_layers=2)
    bench.publish()
    assert bench.of("layer_conflicting_pairs") == {("body", "solar"): 3, ("stem", "solar"): 1}


def test_classes_are_cut_from_the_largest_majority_on_and_the_cut_is_counted():
    bench = Bench(max_classes=3)
    bench.publish()
    assert {name for name, _ in bench.of("class_judged")} == {"snow, wet", "cracked", "unseen"}
    assert bench.of("monitor_truncated_classes") == {("solar",): 1}
    assert bench.of("monitor_classes") == {("solar",): 4}


def test_a_minority_is_kept_before_any_smaller_majority():
    bench = Bench(max_classes=1)
    classes = [
        class_info("tiny", prior=0.1),
        class_info("named", prior=0.5, minority=True),
        class_info("other", prior=0.4),
    ]
    columns = [column("suppression", (0.1, 0.2, 0.3))]
    bench.publish(result=analysis_result(classes, columns=columns, main_suppressor=(-1, -1, -1)))
    assert set(bench.of("class_suppression_ratio")) == {("named", "solar")}


def test_the_newest_monitors_are_kept_and_the_others_counted():
    bench = Bench(max_monitors=2)
    for index in range(3):
        bench.publish(f"job-{index}", monitor=f"m{index}")
    assert set(bench.of("monitor_classes")) == {("m1",), ("m2",)}
    assert bench.of("truncated_monitors") == {(): 1}


def test_a_new_version_replaces_the_old_one(bench):
    bench.publish("a")
    bench.samples()
    bench.publish("b", result=analysis_result(classes=CLASSES[:3], main_suppressor=(-1,) * 3))
    assert bench.of("monitor_classes") == {("solar",): 3}
    assert len(bench.of("monitor_info")) == 1


def test_a_deleted_monitor_vanishes(bench):
    bench.publish("a", monitor="solar")
    bench.publish("b", monitor="wind")
    assert len(bench.of("monitor_classes")) == 2
    bench.store.delete(job("a").name, lambda _: None)
    assert set(bench.of("monitor_classes")) == {("wind",)}
    assert not any("solar" in key for key in bench.samples())


def test_a_result_is_read_once_however_often_it_is_scraped(bench):
    bench.publish("a")
    bench.samples()
    bench.samples()
    assert bench.artifacts.read == ["a"]
    bench.publish("b", monitor="wind")
    bench.samples()
    assert bench.artifacts.read == ["a", "b"]


def test_the_generation_of_a_monitor_grows_with_the_store(bench):
    bench.publish("a")
    before = bench.of("monitor_result_generation")["solar",]
    bench.publish("b")
    assert bench.of("monitor_result_generation")["solar",] > before


def test_a_result_that_cannot_be_read_hides_only_its_own_monitor_until_it_can(bench):
    bench.publish("a", monitor="solar")
    bench.publish("b", monitor="wind")
    bench.artifacts.broken = {"a"}
    assert set(bench.of("monitor_classes")) == {("wind",)}
    assert bench.samples()[FAILED,] == 1
    bench.artifacts.broken = set()
    assert set(bench.of("monitor_classes")) == {("solar",), ("wind",)}
    assert bench.samples()[FAILED,] == 0


@pytest.mark.parametrize("method", ["generation", "latest", "backlog"])
def test_a_store_that_is_away_is_told_and_does_not_end_the_scrape(bench, monkeypatch, method):
    bench.publish()

    def fail():
        raise OSError("gone")

    monkeypatch.setattr(bench.store, method, fail)
    registry = CollectorRegistry()
    registry.register(bench.collector)
    assert f"{FAILED} 1.0" in generate_latest(registry).decode()
    assert set(bench.samples()) == {(FAILED,)}
    monkeypatch.undo()
    assert bench.samples()[FAILED,] == 0
    assert bench.of("monitor_classes") == {("solar",): 4}
