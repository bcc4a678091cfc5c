"""What the handles of both clients know about their job."""

from dataclasses import replace

from interference_client.errors import GateUndetermined, GateViolated, JobCancelled, JobFailed
from interference_client.values import JobError, JobSnapshot, Progress, ResolvedInputs, Verdict


class JobHandle:
    """A job by name, with the last that was heard of it."""

    def __init__(self, snapshot: JobSnapshot) -> None:
        self._snapshot = snapshot

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.state})"

    @property
    def snapshot(self) -> JobSnapshot:
        """The job as it was when it was last heard of."""
        return self._snapshot

    @property
    def name(self) -> str:
        """``projects/{project}/analysisJobs/{id}``."""
        return self._snapshot.name

    @property
    def state(self) -> str:
        """PENDING, RUNNING, CANCELLING, SUCCEEDED, FAILED or CANCELLED."""
        return self._snapshot.state

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return self._snapshot.progress

    @property
    def attempt(self) -> int:
        """1 for the first worker; grows when a lost worker's job is taken over."""
        return self._snapshot.attempt

    @property
    def error(self) -> JobError | None:
        """Why it failed or was cancelled."""
        return self._snapshot.error

    @property
    def verdict(self) -> Verdict | None:
        """What its gates say, once it has succeeded."""
        return self._snapshot.verdict

    @property
    def resolved_inputs(self) -> ResolvedInputs | None:
        """What it read, once it has succeeded; what it would read, if it was only validated."""
        return self._snapshot.resolved_inputs

    def check(self) -> None:
        """Raise if the job has ended without success.

        Raises:
            JobFailed: It failed.
            JobCancelled: It was cancelled.
        """
        if self.state == "FAILED":
            raise JobFailed(self._snapshot)
        if self.state == "CANCELLED":
            raise JobCancelled(self._snapshot)

    def check_gates(self) -> None:
        """Raise unless the job has succeeded and every gate is known to hold.

        Raises:
            JobFailed: It failed.
            JobCancelled: It was cancelled.
            GateViolated: A gate is violated.
            GateUndetermined: The rows do not suffice to say, there are no gates, or it still runs.
        """
        self.check()
        verdict = self.verdict
        if verdict is not None and verdict.outcome == "VIOLATED":
            raise GateViolated(verdict)
        if verdict is None or verdict.outcome != "PASSED" or not verdict.gates:
            raise GateUndetermined(verdict)

    def _take(self, event: JobSnapshot | Progress) -> None:
        self._snapshot = (
            event if isinstance(event, JobSnapshot) else replace(self._snapshot, progress=event)
        )
