"""Series of results, scraped from a store in memory."""

from collections.abc import Mapping
from datetime import timedelta

from interference_service.domain.result import AnalysisResult, Matrix
from interference_service.errors import InternalError
from interference_service.store.artifacts import MemoryArtifactStore
from interference_service.store.memory import MemoryJobStore
from interference_service.telemetry.results import ResultCollector
from support.jobs import (
    START,
    FixedClock,
    analysis_result,
    class_matrices,
    job,
    specification,
    succeed,
)
from support.monitors import fail

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
        matrices: Mapping[str, Matrix] | None = None,
        interval: timedelta | None = None,
    ) -> None:
        """Let a job succeed, a second after the one before."""
        self.now += timedelta(seconds=1)
        matrices = class_matrices() if matrices is None else matrices
        spec = specification(monitor=monitor, version="v7")
        model = spec.model.model_copy(update={"expected_interval": interval})
        spec = spec.model_copy(update={"model": model})
        wanted = job(job_id, project=project, spec=spec)
        # Written under the number of the attempt that is about to succeed.
        running = wanted.model_copy(update={"attempt": 1})
        self.artifacts.write(running, result or analysis_result(matrices=matrices), matrices)
        succeed(self.store, wanted, self.now)

    def fail(self, job_id: str, monitor: str = "solar") -> None:
        """Let a job fail, a second after the one before."""
        self.now += timedelta(seconds=1)
        fail(self.store, job(job_id, spec=specification(monitor=monitor)), self.now)

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
