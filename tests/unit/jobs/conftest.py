"""Jobs over stores in memory, with an executor that the test conducts."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from interference_service.domain.events import Event
from interference_service.domain.job import Job, Progress, ResolvedInputs, Settings, Stage
from interference_service.domain.ports import Cancellation
from interference_service.domain.quotas import Quotas
from interference_service.domain.result import Analysis
from interference_service.domain.specification import AnalysisSpecification
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.errors import Cancelled
from interference_service.jobs.inspections import Inspections
from interference_service.jobs.limits import Limits
from interference_service.jobs.notices import Notices
from interference_service.jobs.quotas import QuotaKeeper
from interference_service.jobs.runner import JobRunner, RunnerSettings
from interference_service.jobs.service import AnalysisJobs
from interference_service.jobs.submission import Submission
from interference_service.jobs.tokens import Seal
from interference_service.store.artifacts import MemoryArtifactStore
from interference_service.store.memory import MemoryJobStore
from support.jobs import FixedClock, analysis, specification


class ScriptedExecutor:
    """Runs until the test says how to end, or until it is told to stop."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ends: dict[str, Analysis | Exception] = {}
        self.running: list[str] = []

    def run(
        self, job: Job, report: Callable[[Progress], None], cancellation: Cancellation
    ) -> Analysis:
        self.running.append(job.id)
        report(Progress(stage=Stage.GRADIENTS, completed_units=1, update_time=self._clock.now()))
        while not cancellation.wait(0.005):
            if job.id in self._ends:
                end = self._ends.pop(job.id)
                if isinstance(end, Exception):
                    raise end
                return end
        raise Cancelled("stopped on request")

    def end(self, job_id: str, end: Analysis | Exception | None = None) -> None:
        """Let a running job end: with a result, or with an error."""
        self._ends[job_id] = end or analysis()


class Checker:
    """Refuses what the test tells it to."""

    refusal: Exception | None = None

    def check(self, specification: AnalysisSpecification, cancellation: Cancellation) -> None:
        if self.refusal is not None:
            raise self.refusal


class ScriptedPreflight:
    """Goes on until the test says how to end, or until it is told to stop."""

    def __init__(self) -> None:
        self.end: ResolvedInputs | Exception | None = analysis().resolved_inputs
        self.running = 0

    def check(
        self, specification: AnalysisSpecification, cancellation: Cancellation
    ) -> ResolvedInputs:
        self.running += 1
        try:
            while self.end is None:
                if cancellation.wait(0.005):
                    raise Cancelled("stopped on request")
            if isinstance(self.end, Exception):
                raise self.end
            return self.end
        finally:
            self.running -= 1


@dataclass
class World:
    """Everything that a test of jobs needs."""

    clock: FixedClock = field(default_factory=FixedClock)
    checker: Checker = field(default_factory=Checker)
    events: list[Event] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    quotas: Quotas = field(default_factory=Quotas)
    check_seconds: float = 30.0

    def __post_init__(self) -> None:
        self.store = MemoryJobStore(self.clock)
        self.artifacts = MemoryArtifactStore()
        self.notices = Notices()
        self.executor = ScriptedExecutor(self.clock)
        self.preflight = ScriptedPreflight()
        self.jobs = AnalysisJobs(
            store=self.store,
            artifacts=self.artifacts,
            checks=Inspections(
                lambda *looked_at: self.checker.check(*looked_at),
                40,
                seconds=self.check_seconds,
            ),
            preflights=Inspections(self.preflight.check, 2),
            sink=self,
            clock=self.clock,
            notices=self.notices,
            seal=Seal(b"k" * 32),
            limits=self.limits,
            quotas=QuotaKeeper(self.quotas, self, self.clock.nanoseconds),
            engine_version="test",
        )

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def runner(self, tracer: Tracer = UNTRACED, **changes: float) -> JobRunner:
        settings = {"beat_seconds": 0.02, "look_seconds": 0.02} | changes
        return JobRunner(
            store=self.store,
            artifacts=self.artifacts,
            executor=self.executor,
            sink=self,
            clock=self.clock,
            notices=self.notices,
            settings=RunnerSettings(**settings),
            tracer=tracer,
        )

    async def submit(self, job_id: str = "nightly", **changes: object) -> Job:
        given = {
            "project": "default",
            "job_id": job_id,
            "specification": specification(),
            "settings": Settings(),
            "principal": "alice",
        } | changes
        return (await self.jobs.submit(Submission(**given)))[0]

    async def state(self, job_id: str = "nightly") -> str:
        return (await self.jobs.get(f"projects/default/analysisJobs/{job_id}")).state.value


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def runner(world: World) -> AsyncIterator[JobRunner]:
    """A runner at work."""
    runner = world.runner()
    task = asyncio.create_task(runner.run())
    yield runner
    runner.stop()
    await task
