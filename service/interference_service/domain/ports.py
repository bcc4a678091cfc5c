"""What the life of a job needs from the outside, as Protocols."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from interference_service.domain.access import Credentials, Principal
from interference_service.domain.events import Event
from interference_service.domain.job import Job, JobState, Progress, ResolvedInputs
from interference_service.domain.query import JobPage, JobQuery
from interference_service.domain.result import Analysis, AnalysisResult, Matrix
from interference_service.domain.specification import AnalysisSpecification


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Who asked for what under which request id (AIP-155)."""

    principal: str
    request_id: str
    request_digest: str
    """Of the request without its request id."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Jobs that are not finished."""

    by_state: Mapping[JobState, int]
    oldest_pending: datetime | None
    by_project: Mapping[str, int]
    """Of projects that have any."""


def admit_all(_: int) -> None:
    """Let every job be made."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What of a job differs after every change."""

    uid: str
    revision: int
    progress: Progress


class JobStore(Protocol):
    """Jobs, durable. Methods block; every one of them is one transaction.

    Any of them raises StoreUnavailable while the store is away or busy.
    """

    def answered(self, idempotency: Idempotency) -> Job | None:
        """The job that this very request made before, as it is now; None if it is new or gone.

        Raises:
            RequestIdReused: The request id came before with another request within 24 hours.
        """

    def create(
        self,
        job: Job,
        idempotency: Idempotency | None,
        admit: Callable[[int], None] = admit_all,
    ) -> tuple[Job, bool]:
        """Make a job durable; returns it and whether it is the replay of an earlier request.

        Args:
            job: The job.
            idempotency: Tells a replay; None: the request is none.
            admit: Is told, just before the job is made, how many jobs of its project are not
                finished; none comes in between. What it raises is raised, and nothing is written.
                It may be called more than once.

        Raises:
            JobExists: The name is taken; metadata ``same_spec`` is ``true`` or ``false``.
            RequestIdReused: The request id came before with another request within 24 hours.
        """

    def get(self, name: str) -> Job:
        """The job as it is now.

        Raises:
            NotFound: There is none of that name.
        """

    def list(self, query: JobQuery) -> JobPage:
        """One page of jobs."""

    def change(self, name: str, change: Callable[[Job], Job], *, owner: str | None = None) -> Job:
        """Replace a job by ``change`` of it, atomically.

        A job that is no longer held loses its lease. What ``change`` raises is raised, and nothing
        is written.

        Args:
            name: Name of the job.
            change: Pure function; it may be called more than once.
            owner: If given, the job must be held by this owner.

        Raises:
            NotFound: There is none of that name.
            LeaseLost: Another owner holds it, or nobody.
        """

    def delete(self, name: str, check: Callable[[Job], None]) -> Job:
        """Remove a job if ``check`` does not object by raising; returns what was removed.

        ``check`` may be called more than once.

        Raises:
            NotFound: There is none of that name.
        """

    def claim(self, owner: str, lease: timedelta) -> Job | None:
        """Take the next job: pending, or held by a lease that ran out.

        Whoever shares the store measures leases by the same clock, which is the store's.

        Higher urgency first (see ``Job.urgency``), then the project of which fewer jobs are held,
        then the one whose last turn is longer ago, then the older job. A pending job becomes
        RUNNING; a CANCELLING one stays so. The attempt counts one more; ``start_time`` is that of
        the first.
        """

    def renew(
        self, name: str, owner: str, lease: timedelta, progress: Progress | None
    ) -> JobState | None:
        """Prolong the lease and note the progress; returns the state, None if the lease is lost.

        Args:
            name: Name of the job.
            owner: Who claimed it.
            lease: How long it lasts from now.
            progress: How far the job is; None: as before.
        """

    def marks(self, names: Collection[str]) -> Mapping[str, Mark]:
        """Marks of the jobs of these names, as far as they are there."""

    def expired(self, now: datetime, limit: int) -> Sequence[Job]:
        """Terminal jobs whose expire_time has passed."""

    def attempts(self, uids: Collection[str]) -> Mapping[str, int]:
        """The present attempt of each of these jobs that is there, whoever can read the job."""

    def latest(self, known: Collection[Job] = ()) -> Sequence[Job]:
        """The newest succeeded job of every monitor, by end_time; of ``known`` as they are there."""

    def latest_of(self, project: str, monitor: str) -> Job | None:
        """The newest succeeded job of one monitor, by end_time; None without one."""

    def failures(self) -> Mapping[tuple[str, str], int]:
        """How many jobs failed since the last one that succeeded, by project and monitor.

        Monitors without any are left out.
        """

    def backlog(self) -> Backlog:
        """Counts of unfinished jobs."""

    def generation(self) -> int:
        """A number that grows whenever a job succeeds, fails or is deleted."""

    def secret(self, name: str) -> bytes:
        """32 random bytes, made at the first call for a name and the same ever after."""

    def ping(self) -> None:
        """Raise if the store cannot be reached."""


class ArtifactStore(Protocol):
    """Results, written once, checksummed, verified on reading."""

    def write(self, job: Job, result: AnalysisResult, matrices: Mapping[str, Matrix]) -> None:
        """Store the result of the job's present attempt, atomically."""

    def read_result(self, job: Job) -> AnalysisResult:
        """The result of a succeeded job.

        Raises:
            InternalError: It is missing or damaged.
        """

    def read_matrix(self, job: Job, matrix_id: str) -> Matrix:
        """One matrix of a succeeded job. Has shape ``[rows, columns]``.

        Raises:
            InternalError: It is missing or damaged.
        """

    def delete(self, job: Job) -> None:
        """Remove everything of a job; nothing to remove is no error."""

    def collect(
        self,
        attempts: Callable[[Collection[str]], Mapping[str, int]],
        stopping: Callable[[], bool],
    ) -> int:
        """Remove what nobody will ask for: of jobs that are gone, and of attempts that are over.

        What was written lately stays, since its writer may be at work.

        Args:
            attempts: Tells the present attempt of each of some jobs that is there.
            stopping: Asked every now and then; what is left once it says so stays.

        Returns:
            How many results, or parts of one, are gone.
        """


class Cancellation(Protocol):
    """Says whether a running analysis is to stop; ``threading.Event`` is one."""

    def is_set(self) -> bool:
        """Whether to stop."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is to stop, at most ``timeout`` seconds; returns whether it is."""


class Executor(Protocol):
    """Runs an analysis. Blocks; called from a thread of its own."""

    def run(
        self, job: Job, report: Callable[[Progress], None], cancellation: Cancellation
    ) -> Analysis:
        """Analyse.

        Raises:
            AnalysisError: The job cannot succeed; Cancelled if it was stopped.
        """


class ReferenceChecker(Protocol):
    """Looks whether what a specification points at is there, without reading it."""

    def check(self, specification: AnalysisSpecification, cancellation: Cancellation) -> None:
        """Check every reference.

        Args:
            specification: As the client wrote it.
            cancellation: Ends it before the next reference.

        Raises:
            AnalysisError: The first reference that is refused or missing; Cancelled if it was
                stopped.
        """


class Preflight(Protocol):
    """Tries what a specification points at, without a job. Blocks; for a thread of its own."""

    def check(
        self, specification: AnalysisSpecification, cancellation: Cancellation
    ) -> ResolvedInputs:
        """Read the model and some rows, and try the one on the other.

        Args:
            specification: As the client wrote it.
            cancellation: Ends it.

        Returns:
            What was read: no rows used, and 0 classes where only all rows tell how many.

        Raises:
            AnalysisError: What would fail the job in its first stage; Cancelled if it was stopped.
        """


class EventSink(Protocol):
    """Is told what happens."""

    def emit(self, event: Event) -> None:
        """Take note; never raises."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""


class Authenticator(Protocol):
    """Establishes who calls."""

    async def authenticate(self, shown: Credentials) -> Principal:
        """The caller.

        Raises:
            Unauthenticated: What is shown stands for nobody.
            AuthenticationUnavailable: That cannot be told now.
        """
