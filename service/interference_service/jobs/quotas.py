"""Whether what a project asks for is within its quota."""

import math
import time
from collections.abc import Callable

from interference_service.domain.events import QuotaRefused
from interference_service.domain.ports import EventSink
from interference_service.domain.quotas import Quota, Quotas
from interference_service.errors import QuotaExceeded
from interference_service.jobs.rates import SubmitRates

BUSY_SECONDS = 5.0
"""When to come again where nobody knows when something in use will be free."""


class QuotaKeeper:
    """Knows the quotas of all projects, and refuses what is beyond them."""

    def __init__(
        self,
        quotas: Quotas,
        sink: EventSink,
        nanoseconds: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._quotas = quotas
        self._sink = sink
        self._rates = SubmitRates(nanoseconds)

    def of(self, project: str) -> Quota:
        """The quota of a project."""
        return self._quotas.of(project)

    def refusal(
        self, project: str, limit: str, allowed: float, description: str, retry_seconds: float
    ) -> QuotaExceeded:
        """The error for a limit that is used up, which is told to the sink.

        Args:
            project: Whose limit it is.
            limit: Its name, as in ``Quota``.
            allowed: Its value.
            description: What is used, and how there will be room again.
            retry_seconds: When to come again.
        """
        self._sink.emit(QuotaRefused(project, limit))
        shown = f"{allowed:.9g}"
        return QuotaExceeded(
            f"project {project!r} {description}; {limit} is {shown}",
            metadata={"project": project, "limit": limit, "allowed": shown},
            retry_after_seconds=retry_seconds,
        )

    def admission(self, project: str) -> "Admission":
        """What one new job of a project has to pass."""
        return Admission(project, self, self._rates)


class Admission:
    """What one new job has to pass; asked by the store while it makes the job.

    So the jobs are counted in the transaction that makes the job, and a request that makes none,
    for instance a replay, costs nothing.
    """

    def __init__(self, project: str, keeper: QuotaKeeper, rates: SubmitRates) -> None:
        self._project = project
        self._quota = keeper.of(project)
        self._keeper = keeper
        self._rates = rates
        self._admitted = False

    def __call__(self, active: int) -> None:
        """Take a token of the project; once, however often the store has to begin anew.

        Args:
            active: Jobs of the project that are not finished.

        Raises:
            QuotaExceeded: The project has as many, or has submitted too fast.
        """
        self._check_active(active)
        if not self._admitted:
            self._check_rate(self._rates.take(self._project, self._quota))
            self._admitted = True

    def check(self, active: int) -> None:
        """Say what ``__call__`` would, and take no token.

        Args:
            active: See ``__call__``.

        Raises:
            QuotaExceeded: See ``__call__``.
        """
        self._check_active(active)
        self._check_rate(self._rates.wait(self._project, self._quota))

    def _check_active(self, active: int) -> None:
        allowed = self._quota.max_active_jobs
        if allowed and active >= allowed:
            raise self._keeper.refusal(
                self._project,
                "max_active_jobs",
                allowed,
                f"has {active} jobs that are not finished; wait for one to end, or cancel one",
                BUSY_SECONDS,
            )

    def _check_rate(self, wait_seconds: float) -> None:
        if wait_seconds:
            wait = math.ceil(wait_seconds * 1000) / 1000  # a client counts in whole milliseconds
            raise self._keeper.refusal(
                self._project,
                "submits_per_minute",
                self._quota.submits_per_minute,
                f"submits too fast; its next job can come in {wait:g} s",
                wait,
            )
