"""The use cases: what a caller can do with jobs, in the service's own words."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import cast

from interference_service.domain.events import JobFinished, JobSubmitted
from interference_service.domain.job import Job, JobError, Priority, ResolvedInputs, project_of
from interference_service.domain.ports import (
    ArtifactStore,
    Clock,
    EventSink,
    Idempotency,
    JobStore,
)
from interference_service.domain.result import AnalysisResult, Matrix
from interference_service.errors import (
    AnalysisError,
    Cancelled,
    Draining,
    InvalidRequest,
    NotFound,
    ServiceError,
    WrongState,
)
from interference_service.jobs.changing import cancelled, match, updated
from interference_service.jobs.inspections import Inspections
from interference_service.jobs.limits import Limits
from interference_service.jobs.listing import Listing
from interference_service.jobs.notices import Notices
from interference_service.jobs.quotas import Admission, QuotaKeeper
from interference_service.jobs.results import Results
from interference_service.jobs.submission import Submission
from interference_service.jobs.tokens import Seal
from interference_service.jobs.watching import Lookout, WatchEvent, watch

_DRAINING = "the server is going down; try again"
QUEUE = "queue"
"""Name under which the runner waits for new jobs."""


class _WouldBeMade(ServiceError):
    """Nothing keeps the store from making a job; it is refused for a reason, and has not failed."""


class AnalysisJobs:
    """Jobs as their callers see them."""

    def __init__(
        self,
        *,
        store: JobStore,
        artifacts: ArtifactStore,
        checks: Inspections[None],
        preflights: Inspections[ResolvedInputs],
        sink: EventSink,
        clock: Clock,
        notices: Notices,
        seal: Seal,
        limits: Limits,
        quotas: QuotaKeeper,
        engine_version: str,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._results = Results(store, artifacts)
        self._checks = checks
        self._preflights = preflights
        self._sink = sink
        self._clock = clock
        self._notices = notices
        self._seal = seal
        self._limits = limits
        self._quotas = quotas
        self._engine_version = engine_version
        self._lookout = Lookout(store)
        self._draining = asyncio.Event()

    def limits(self, project: str = "") -> Limits:
        """What is allowed a project; without one, any that has no quota of its own."""
        return self._limits.of(self._quotas.of(project))

    def drain(self) -> None:
        """Take no more jobs and end every watch and validation; clients resume elsewhere."""
        self._draining.set()
        self._checks.stop()
        self._preflights.stop()
        self._notices.notify_all()

    async def submit(self, submission: Submission) -> tuple[Job, bool]:
        """Make a job durable; returns it, and whether it is the replay of an earlier request.

        A replay brings its job even where that job could not be made any more. With
        ``validate_only`` nothing is made, and what the job points at is tried out; whatever would
        refuse the job refuses that too.

        Raises:
            InvalidRequest: A reference is refused or missing, or priority or time do not fit.
            JobExists: The job id is taken.
            RequestIdReused: The request id came before with another request.
            QuotaExceeded: The project has as many jobs as it may, or submits too fast.
            Draining: The server is going down.
            Overloaded: Too many submissions are being looked at.
            CallTimeout: A store does not say in time whether what it should hold is there.
            AnalysisError: A validation failed for a cause outside of the request.
        """
        if self._draining.is_set():
            raise Draining(_DRAINING)
        idempotency, earlier = submission.idempotency, None
        if idempotency is not None:
            earlier = await asyncio.to_thread(self._store.answered, idempotency)
            if earlier is not None and not submission.validate_only:
                return earlier, True
        limits = self.limits(submission.project)
        job = submission.job(limits, self._clock.now(), self._engine_version)
        admission = self._quotas.admission(submission.project)
        try:
            await self._checks.of(submission.specification)
            if submission.validate_only:
                if earlier is None:
                    await asyncio.to_thread(self._try_to_create, job, idempotency, admission)
                resolved = await self._preflights.of(submission.specification)
                return job.model_copy(update={"resolved_inputs": resolved}), False
        except AnalysisError as error:
            raise _told_to_the_caller(error) from error
        job, replayed = await asyncio.to_thread(self._store.create, job, idempotency, admission)
        if not replayed:
            self._sink.emit(JobSubmitted(job.name))
            self._notices.notify(QUEUE)
        return job, replayed

    def _try_to_create(
        self, job: Job, idempotency: Idempotency | None, admission: Admission
    ) -> None:
        """Raise what the store would raise, and make nothing."""

        def refuse(active: int) -> None:
            admission.check(active)
            raise _WouldBeMade("nothing is to be made")

        with suppress(_WouldBeMade):
            self._store.create(job, idempotency, refuse)

    async def get(self, name: str) -> Job:
        """The job as it is now; raises NotFound."""
        return await asyncio.to_thread(self._store.get, name)

    async def list(
        self,
        project: str,
        *,
        page_size: int,
        page_token: str,
        filter_text: str,
        order_by: str,
        principal: str,
    ) -> tuple[Sequence[Job], str]:
        """One page of a project's jobs, and the token of the next one, empty on the last.

        Raises:
            InvalidRequest: Size, filter or order do not fit.
            InvalidToken: The token belongs to another listing, or is too old.
        """
        listing = Listing(project, filter_text, order_by, principal)
        now = self._clock.now()
        query = listing.query(page_size, page_token, self._limits, self._seal, now)
        page = await asyncio.to_thread(self._store.list, query)
        return page.jobs, listing.token(page.next, self._seal, now)

    async def update(self, name: str, changes: Mapping[str, object], *, etag: str) -> Job:
        """Change what a caller may say about a job.

        Args:
            name: Name of the job.
            changes: As ``changing.updated`` takes them.
            etag: If not empty, must be the job's.

        Raises:
            NotFound: There is no such job.
            EtagMismatch: Somebody else changed it.
            InvalidRequest: Priority or time do not fit, or its settings would be too large.
        """
        ttl_seconds = cast("float | None", changes.get("ttl_seconds"))
        expire_time = cast("datetime | None", changes.get("expire_time"))
        now, limits = self._clock.now(), self.limits(project_of(name))
        limits.check_life(now, ttl_seconds, expire_time)
        if "priority" in changes:
            limits.check_priority(cast("Priority", changes["priority"]))

        def change(job: Job) -> Job:
            match(job, etag)
            return updated(job, changes, now)

        return await self._change(name, change)

    async def cancel(self, name: str, reason: str) -> Job:
        """Ask for the end of a job; a second time is no error.

        Raises:
            NotFound: There is no such job.
            WrongState: It has succeeded or failed.
        """
        now = self._clock.now()
        error = JobError.of(Cancelled(reason or "cancelled on request"))
        ended_here = False

        def change(job: Job) -> Job:
            nonlocal ended_here
            changed = cancelled(job, error, now, self._limits.default_ttl_seconds)
            ended_here = changed.state.terminal and not job.state.terminal
            return changed

        job = await self._change(name, change)
        if ended_here:
            seconds = max(0.0, (now - job.create_time).total_seconds())
            self._sink.emit(JobFinished(name, job.state, "CANCELLED", seconds))
        return job

    async def _change(self, name: str, change: Callable[[Job], Job]) -> Job:
        job = await asyncio.to_thread(self._store.change, name, change)
        self._notices.notify(name)
        return job

    async def delete(self, name: str, *, etag: str, allow_missing: bool) -> None:
        """Remove a finished job and its result.

        Raises:
            NotFound: There is no such job, and ``allow_missing`` is false.
            WrongState: It is not finished.
            EtagMismatch: Somebody else changed it.
        """

        def check(job: Job) -> None:
            match(job, etag)
            if not job.state.terminal:
                raise WrongState(
                    f"{name} is {job.state}; cancel it and wait for its end before it is deleted",
                    metadata={"name": name, "state": job.state.value},
                )
            # Before the job itself: what cannot be removed now keeps the job that leads to it.
            self._artifacts.delete(job)

        try:
            await asyncio.to_thread(self._store.delete, name, check)
        except NotFound:
            if allow_missing:
                return
            raise
        self._notices.notify(name)

    def watch(
        self, name: str, *, principal: str, resume_token: str, heartbeat_seconds: float
    ) -> AsyncIterator[WatchEvent]:
        """What happens to a job, until it is finished; see ``watching.watch``."""
        return watch(
            name,
            principal=principal,
            resume_token=resume_token,
            heartbeat_seconds=heartbeat_seconds,
            longest_seconds=self._limits.max_watch_seconds,
            lookout=self._lookout,
            notices=self._notices,
            seal=self._seal,
            clock=self._clock,
            draining=self._draining,
        )

    async def result(self, name: str) -> tuple[Job, AnalysisResult]:
        """The job and its result without matrix elements.

        Raises:
            NotFound: There is no such job.
            NoResult: It did not succeed, or not yet.
        """
        job = await self.get(name)
        return job, await self._results.of(job)

    async def matrix(self, job: Job, matrix_id: str) -> Matrix:
        """One matrix of a succeeded job; raises NotFound once that is removed."""
        return await self._results.matrix(job, matrix_id)


def _told_to_the_caller(error: AnalysisError) -> ServiceError:
    """What a job would fail with, as an error of the request that asks for it."""
    if isinstance(error, Cancelled):
        return Draining(_DRAINING)
    if not error.violations:
        return error
    return InvalidRequest(
        error.message,
        violations=[each.below("analysis_job") for each in error.violations],
        metadata={"cause": error.reason} | error.metadata,
    )
