"""From a network that unlearns a minority to who is woken, through the real Prometheus and Alertmanager."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from interference_client import Client, Job, ModelReference, Options
from interference_service.demo.server import running_service
from support import examples, unlearning
from support.monitoring import Stack, watching
from support.network_ports import free_port
from support.service import FEW_RESOURCES
from support.submissions import rows
from support.waiting import eventually
from support.webhooks import Notification

KEPT, DELETED = "crops", "fields"
"""The monitors of the story."""
PAGED = {
    "alertname": "InterferenceMinorityUnlearned",
    "project": "default",
    "class": unlearning.MINORITY,
    "severity": "critical",
}
SEEDS = range(20)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service is started, again and again: its files, its state, and its metrics port."""

    home: Path
    metrics_port: int

    @contextmanager
    def service(self) -> Iterator[Client]:
        """Run a service until the end.

        Yields:
            A client of it.
        """
        settings = FEW_RESOURCES | {"INTERFERENCE_TELEMETRY__PORT": str(self.metrics_port)}
        with (
            running_service(self.home, {"data": self.home}, settings) as service,
            Client(service.grpc) as client,
        ):
            yield client


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """With the files of the story."""
    unlearning.write(tmp_path)
    return Place(tmp_path, free_port())


def test_who_is_told_of_a_minority_that_is_unlearned(place: Place):
    with watching(place.home, place.metrics_port, keep_firing_for=600) as stack:
        with place.service() as client:
            jobs = [*analyse(client, "unlearning.pt2", "v1")]
            first = told(stack, "firing", severity="warning")
            assert {each.receiver for each in first} == {"team"}
            jobs += analyse(client, "unlearning.pt2", "v2")
            for page, job in zip(told(stack, "firing"), jobs[2:], strict=True):
                assert_says_all(page, job)
            firing, notified = alerts(stack), len(told(stack, "firing"))
            started = process_start(stack)
        with place.service() as client:
            eventually(lambda: process_start(stack) not in (started, None), what="a scrape")
            eventually(lambda: series_of(stack, KEPT) and series_of(stack, DELETED), what="series")
            assert alerts(stack) == firing
            assert not stack.webhook.told("resolved", **PAGED)
            assert len(stack.webhook.told("firing", **PAGED)) == notified

            stack.keep_firing_for(seconds=1)
            analyse(client, "healed.pt2", "v3", monitors=[KEPT])
            for job in jobs[1::2]:
                client.job(job.name).delete()
            told(stack, "resolved")
            told(stack, "resolved", severity="warning")
            eventually(lambda: not alerts(stack), what="the end of all alerts")
            assert series_of(stack, KEPT)
            assert not series_of(stack, DELETED)
            assert not stack.broken_rules()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_network_without_interference_never_fires(place: Place):
    with (
        watching(place.home, place.metrics_port, keep_firing_for=600) as stack,
        place.service() as client,
    ):
        for seed in SEEDS:
            model = unlearning.network(healed=True, seed=seed)
            examples.export(model, place.home / f"{seed}.pt2", unlearning.SHAPE)
            examples.write(unlearning.example(seed, noise=1.0), place.home / f"{seed}.parquet")
            analyse(client, f"{seed}.pt2", f"v{seed}", data=f"{seed}.parquet", monitors=[KEPT])
            shown = f'interference_monitor_info{{version="v{seed}"}}'
            eventually(lambda shown=shown: stack.query(shown), what="a scrape")
            evaluated = f'monitor:interference_monitor_info:newest{{version="v{seed}"}}'
            eventually(lambda shown=evaluated: stack.query(shown), what="an evaluation")
            assert not stack.firing(monitor=KEPT)
        ever = f'count_over_time(ALERTS{{monitor="{KEPT}"}}[1h])'
        assert stack.query(ever) == []
        assert not any("monitor" in each.labels for each in stack.webhook.notifications)


def analyse(
    client: Client,
    model: str,
    version: str,
    *,
    data: str = "crops.parquet",
    monitors: Sequence[str] = (KEPT, DELETED),
) -> list[Job]:
    """Analyse a version under each of the monitors."""
    jobs = [
        client.submit(
            model=ModelReference(f"data://{model}", monitor=each, version=version),
            data=rows(data, class_names=unlearning.CLASSES),
            options=Options(folds=8),
        )
        for each in monitors
    ]
    return [each.wait(timeout=60) for each in jobs]


def told(stack: Stack, status: str, **labels: str) -> list[Notification]:
    """The newest notification of both monitors, once they have arrived."""
    wanted = PAGED | labels

    def arrived() -> list[Notification]:
        found = [stack.webhook.told(status, monitor=each, **wanted) for each in (KEPT, DELETED)]
        return [each[-1] for each in found] if all(found) else []

    return eventually(arrived, what=f"{status} {wanted}, {stack.webhook.notifications}")


def assert_says_all(page: Notification, job: Job) -> None:
    """It wakes somebody, and says what they ask first."""
    assert page.receiver == "pager"
    said = page.annotations["summary"] + page.annotations["description"]
    for what in (
        f"class {unlearning.MINORITY} of {page.labels['monitor']}",
        "2 analyses in a row",
        f"Main suppressor: {unlearning.CLASSES[0]}.",
        f"Main layer: {unlearning.LAYERS[0]}.",
        f"Analysis: {job.name}, version v2",
    ):
        assert what in said
    assert page.annotations["runbook_url"].endswith("/InterferenceMinorityUnlearned.md")


def alerts(stack: Stack) -> dict[str, str]:
    """Since when which alerts of monitors fire."""
    found = [each for each in stack.firing() if "monitor" in each["labels"]]
    return {str(sorted(each["labels"].items())): each["activeAt"] for each in found}


def process_start(stack: Stack) -> float | None:
    """Which process was scraped last."""
    return stack.value('process_start_time_seconds{job="interference"}')


def series_of(stack: Stack, monitor: str) -> int:
    """How many series of results the monitor has."""
    return len(stack.query(f'{{__name__=~"interference_.+", monitor="{monitor}"}}'))
