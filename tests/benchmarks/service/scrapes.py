"""What a scrape costs where many monitors have series."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.request import Request, urlopen

import numpy as np

from benchmarks.service.page import Line
from benchmarks.service.world import SLOW, WAITING, World, started
from interference_service.composition.state import SystemClock
from interference_service.domain.job import JobState
from interference_service.domain.result import AnalysisResult, Matrix
from interference_service.domain.specification import AnalysisSpecification
from interference_service.store.artifacts import FileArtifactStore
from interference_service.store.database import open_database
from interference_service.store.sql import SqlJobStore
from support.jobs import analysis_result, class_info, column, job, succeed
from support.waiting import eventually

MONITORS, CLASSES, LAYERS = 1000, 20, 30
_TARGET = "≤ 300 ms"
_TIMES = 5


def scrapes() -> Iterator[Line]:
    """Scrapes of results: the first, then with nothing new, then with one new analysis.

    Yields:
        A line each.
    """
    with started(WAITING, SLOW, pending=0) as world, _Publisher(world.state, SLOW) as publisher:
        for monitor in range(MONITORS):
            publisher.publish(monitor, "v1")
        before = world.rss
        world.forget_peak()
        seconds, compressed = _scraped(world, "gzip")
        text = _scraped(world, "")[1]
        what = f"Scrape of {MONITORS:,} monitors of {CLASSES} classes"
        size = f"{len(text) / 1e6:.1f} MB, {len(compressed) / 1e6:.1f} MB as gzip"
        series = sum(not line.startswith(b"#") for line in text.splitlines())
        yield Line(what, "", f"{series:,} series, {size}")
        yield Line("the first, which reads all results", "", _ms([seconds]))
        for encoding in ("gzip", ""):
            name = encoding or "text"
            found = [_scraped(world, encoding)[0] for _ in range(_TIMES)]
            yield Line(f"another, nothing new, {name}", _TARGET, _ms(found))
            found = []
            for time_ in range(_TIMES):
                publisher.publish(time_, f"{name}{time_}")
                found.append(_scraped(world, encoding)[0])
            yield Line(f"another, one new analysis, {name}", _TARGET, _ms(found))
        more, peak = (each - before for each in (world.rss, world.peak))
        yield Line("memory of the series", "", f"{more / 1e6:+.0f} MB, peak {peak / 1e6:+.0f} MB")


class _Publisher:
    """Lets analyses succeed in the state of a service that runs."""

    def __init__(self, state: Path, specification: AnalysisSpecification) -> None:
        self._engine = open_database(f"sqlite:///{(state / 'jobs.sqlite').resolve()}")
        self._store = SqlJobStore(self._engine, SystemClock())
        self._artifacts = FileArtifactStore(state.resolve() / "results")
        self._specification = specification
        self._generator = np.random.default_rng(1)

    def __enter__(self) -> Self:
        # What it claims must be its own.
        eventually(lambda: self._store.backlog().by_state[JobState.RUNNING])
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def publish(self, monitor: int, version: str) -> None:
        """A new analysis of a monitor, with numbers of its own."""
        named = {"monitor": f"customer-churn-{monitor:04}", "version": version}
        model = self._specification.model.model_copy(update=named)
        spec = self._specification.model_copy(update={"model": model})
        now = datetime.now(UTC)
        wanted = job(f"of-{monitor}-{version}", spec=spec, now=now)
        suppression: Matrix = self._generator.uniform(0, 1, (CLASSES, CLASSES))
        matrices = {"shared/suppression": suppression}
        running = wanted.model_copy(update={"attempt": 1})
        self._artifacts.write(running, self._result(matrices), matrices)
        succeed(self._store, wanted, now)

    def _result(self, matrices: dict[str, Matrix]) -> AnalysisResult:
        def of_classes(name: str) -> object:
            return column(name, self._generator.uniform(-1, 1, CLASSES))

        names = ("progress_ratio", "progress_ratio_simultaneous", "suppression", "support")
        return analysis_result(
            [
                class_info(f"segment-{index:02}", prior=1 / CLASSES, minority=index < CLASSES // 2)
                for index in range(CLASSES)
            ],
            columns=[of_classes(name) for name in (*names, "gradient_norm")],
            main_suppressor=[(index + 1) % CLASSES for index in range(CLASSES)],
            layers=[(f"blocks.{index}.attention", index) for index in range(LAYERS)],
            matrices=matrices,
        )


def _scraped(world: World, encoding: str) -> tuple[float, bytes]:
    """How long a scrape takes, and what it brings."""
    url = f"http://{world.service.metrics}/metrics/results"
    headers = {"Accept-Encoding": encoding} if encoding else {}
    begin = time.perf_counter()
    with urlopen(Request(url, headers=headers), timeout=120) as answer:
        body = answer.read()
    return time.perf_counter() - begin, body


def _ms(seconds: list[float]) -> str:
    if len(seconds) == 1:
        return f"{seconds[0] * 1e3:,.0f} ms"
    return f"median {np.median(seconds) * 1e3:,.0f} ms, longest {max(seconds) * 1e3:,.0f} ms"
