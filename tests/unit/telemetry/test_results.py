"""What the store becomes in the metrics: the newest result of every monitor, and the queue."""

import math
from datetime import timedelta

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from interference_service.domain.result import AnalysisResult
from interference_service.errors import InternalError
from interference_service.store.artifacts import MemoryArtifactStore
from interference_service.store.memory import MemoryJobStore
from interference_service.telemetry.results import ResultCollector
from support.jobs import (
    CLASSES,
    COLUMNS,
    NAN,
    START,
    FixedClock,
    analysis_result,
    class_info,
    class_matrices,
    column,
    job,
    specification,
    succeed,
)

FAILED = "interference_results_collect_failed"


class CountingArtifacts(MemoryArtifactStore):
    """Counts what is read, and fails for the jobs that are named."""

    def __init__(self):
        super().__init__()
        self.read: list[str] = []
        self.broken: set[str] = set()

    def read_result(self, job):
        self.read.append(job.id)
        if job.id in self.broken:
            raise InternalError("damaged")
        return super().read_result(job)


class Bench:
    """Stores with a collector on them."""

    def __init__(self, **limits: int) -> None:
        self.store = MemoryJobStore(FixedClock())
        self.artifacts = CountingArtifacts()
        self.now = START
        self.collector = ResultCollector(
            self.store, self.artifacts, seconds=lambda: self.now.timestamp(), **limits
        )

    def publish(
        self,
        job_id: str = "a",
        monitor: str = "solar",
        result: AnalysisResult | None = None,
        project: str = "default",
    ) -> None:
        """Let a job succeed, a second after the one before."""
        self.now += timedelta(seconds=1)
        matrices = class_matrices()
        spec = specification(monitor=monitor, version="v7")
        wanted = job(job_id, project=project, spec=spec)
        # Written under the number of the attempt that is about to succeed.
        running = wanted.model_copy(update={"attempt": 1})
        self.artifacts.write(running, result or analysis_result(matrices=matrices), matrices)
        succeed(self.store, wanted, self.now)

    def samples(self) -> dict[tuple[str, ...], float]:
        """Name and label values (by label name, without the usual project) -> value."""
        found = [sample for family in self.collector.collect() for sample in family.samples]
        made = {
            (
                each.name,
                *(
                    value
                    for label, value in sorted(each.labels.items())
                    if (label, value) != ("project", "default")
                ),
            ): each.value
            for each in found
        }
        assert len(made) == len(found)
        return made

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        """Samples of one name, by their label values."""
        return {
            key[1:]: value
            for key, value in self.samples().items()
            if key[0] == f"interference_{name}"
        }


@pytest.fixture
def bench():
    return Bench()


def test_a_monitor_is_summed_up(bench):
    bench.publish()
    assert bench.of("monitor_info") == {("projects/default/analysisJobs/a", "solar", "v7"): 1}
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
        for name in ("prior_ratio", "minority", "judged", "unlearned", "gradient_rows")
    }


def test_values_of_a_class_are_those_of_the_shared_scope(bench):
    bench.publish()
    for name, wanted in {
        "class_progress_ratio": -0.4,
        "class_suppression_ratio": 1.4,
        "class_suppression_ratio_lower": 1.3,
        "class_suppression_ratio_upper": 1.5,
        "class_support_ratio": 0.0,
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
