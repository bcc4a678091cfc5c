"""Jobs and a large result, written by the store's own classes before a service starts."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.service.names import waiting
from interference_service.domain.job import Job, Priority, Settings
from interference_service.domain.result import Matrix
from interference_service.domain.specification import AnalysisSpecification
from interference_service.store.artifacts import FileArtifactStore
from interference_service.store.database import open_database
from interference_service.store.migrations import upgrade
from interference_service.store.sql import SqlJobStore
from support.jobs import FixedClock, analysis_result, class_info, column, job, succeed

CLASSES, MATRICES = 1000, 25
"""Of the large result: 100 MB in the 32 bits of a number that are sent."""


def written(directory: Path, url: str, specification: AnalysisSpecification, pending: int) -> None:
    """A state in which one job has a large result, one runs next, and the others wait.

    Args:
        directory: The service's state directory.
        url: Of its database; empty: SQLite in the directory.
        specification: Of all jobs.
        pending: How many wait.
    """
    directory.mkdir(parents=True, exist_ok=True)
    engine = open_database(url or f"sqlite:///{(directory / 'jobs.sqlite').resolve()}")
    try:
        upgrade(engine)
        clock = FixedClock()
        store = SqlJobStore(engine, clock)
        done = succeed(store, job("large", spec=specification), clock.now())
        _write_result(FileArtifactStore(directory.resolve() / "results"), done)
        first, last = Settings(priority=Priority.HIGH), Settings(priority=Priority.LOW)
        # Those that have waited for long would be as urgent as the first.
        now = datetime.now(UTC)
        store.create(job("first", spec=specification, settings=first, now=now), None)
        for name in waiting(pending):
            number = name.rsplit("/", 1)[1]
            store.create(job(number, spec=specification, settings=last, now=now), None)
    finally:
        engine.dispose()


def _write_result(artifacts: FileArtifactStore, done: Job) -> None:
    generator = np.random.default_rng(1)
    matrices: dict[str, Matrix] = {
        f"layer{index}/suppression": generator.uniform(0, 1, (CLASSES, CLASSES))
        for index in range(MATRICES)
    }
    result = analysis_result(
        [class_info(f"class-{index}", prior=1 / CLASSES) for index in range(CLASSES)],
        columns=[column("progress_ratio", [1.0] * CLASSES)],
        main_suppressor=[-1] * CLASSES,
        layers=[(f"layer{index}", 0) for index in range(MATRICES)],
        matrices=matrices,
    )
    artifacts.write(done, result, matrices)
