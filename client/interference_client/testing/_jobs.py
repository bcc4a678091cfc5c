"""Jobs of the fake service: what becomes of them, seen by callers and watchers."""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import grpc

from interference.v1 import analysis_job_pb2 as job_pb2
from interference_client.testing._ends import ended, new_job, running, units_of
from interference_client.testing._plans import Fails, KeepsRunning, Plan, StaysPending, Succeeds
from interference_client.testing._refusals import Refusal, in_state, not_there, reused, taken

State = job_pb2.AnalysisJob.State
TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
_LIFE = timedelta(days=90)


@dataclass
class FakeJob:
    """A job and what becomes of it."""

    message: job_pb2.AnalysisJob
    plan: Plan
    life: timedelta = _LIFE
    revision: int = 0

    def changed(self) -> None:
        """Note a change other than progress."""
        self.revision += 1
        self.message.update_time.FromDatetime(datetime.now(UTC))
        bare = f"{self.message.uid}:{self.revision}"
        self.message.etag = hashlib.sha256(bare.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Known:
    """What a watcher has seen of a job."""

    uid: str = ""
    revision: int = 0
    progress: job_pb2.Progress | None = None

    @classmethod
    def of(cls, resume_token: str) -> "Known":
        """What a token stands for; one that cannot be read is as good as none."""
        uid, _, revision = resume_token.rpartition(":")
        return cls(uid, int(revision)) if revision.isdecimal() else cls()

    @property
    def resume_token(self) -> str:
        """The token that stands for it."""
        return f"{self.uid}:{self.revision}"


class FakeJobs:
    """All jobs; a thread for each does what its plan says."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.plans: deque[Plan] = deque([Succeeds()])
        self._jobs: dict[str, FakeJob] = {}
        self._requests: dict[str, tuple[str, str]] = {}
        self._closed = False

    def close(self) -> None:
        """End everything that runs."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()

    def create(
        self, name: str, wanted: job_pb2.AnalysisJob, request_id: str, digest: str
    ) -> tuple[job_pb2.AnalysisJob, bool]:
        """A new job, or that of an earlier request; and which of both.

        Raises:
            Refusal: The request id or the name is taken.
        """
        with self.changed:
            if (earlier := self._earlier(name, wanted, request_id, digest)) is not None:
                return _copied(earlier.message), True
            job = self._made(name, wanted)
            self._jobs[name] = job
            self._requests[request_id] = (digest, name)
            self.changed.notify_all()
            answer = _copied(job.message)
        threading.Thread(target=self._run, args=(job,), name="fake-job", daemon=True).start()
        return answer, False

    def check(self, name: str, wanted: job_pb2.AnalysisJob, request_id: str, digest: str) -> None:
        """Refuse what ``create`` would refuse, and make nothing.

        Raises:
            Refusal: The request id or the name is taken.
        """
        with self.changed:
            self._earlier(name, wanted, request_id, digest)

    def _earlier(
        self, name: str, wanted: job_pb2.AnalysisJob, request_id: str, digest: str
    ) -> FakeJob | None:
        """The job of an earlier request that was the same."""
        if request_id and request_id in self._requests:
            earlier, made = self._requests[request_id]
            if earlier != digest:
                raise reused(request_id)
            if made in self._jobs:
                return self._jobs[made]
        if name in self._jobs:
            raise taken(name, same=self._jobs[name].message.spec == wanted.spec)
        return None

    def _made(self, name: str, wanted: job_pb2.AnalysisJob) -> FakeJob:
        plan = self.plans.popleft() if len(self.plans) > 1 else self.plans[0]
        job = FakeJob(new_job(name, wanted), plan)
        if wanted.WhichOneof("expiration") == "ttl":
            job.life = wanted.ttl.ToTimedelta()
        job.changed()
        return job

    def get(self, name: str) -> job_pb2.AnalysisJob:
        """A job as it is now.

        Raises:
            Refusal: There is none.
        """
        with self.changed:
            return _copied(self._known(name).message)

    def all(self) -> list[job_pb2.AnalysisJob]:
        """All jobs as they are now."""
        with self.changed:
            return [_copied(job.message) for job in self._jobs.values()]

    def change(
        self, name: str, etag: str, change: Callable[[FakeJob], None]
    ) -> job_pb2.AnalysisJob:
        """Change a job, if its etag is as it was.

        Raises:
            Refusal: It is not, or there is no such job.
        """
        with self.changed:
            job = self._matching(name, etag)
            change(job)
            job.changed()
            self.changed.notify_all()
            return _copied(job.message)

    def cancel(self, name: str, reason: str) -> job_pb2.AnalysisJob:
        """Ask for the end of a job; a second time is no error.

        Raises:
            Refusal: It has ended otherwise, or there is no such job.
        """
        with self.changed:
            job = self._known(name)
            state = job.message.state
            if state in {State.SUCCEEDED, State.FAILED}:
                text = f"{name} is {State.Name(state)}, so it cannot be cancelled"
                raise in_state("WRONG_STATE", text, State.Name(state))
            if state in {State.PENDING, State.RUNNING}:
                refusal = Refusal(
                    grpc.StatusCode.CANCELLED, "CANCELLED", reason or "cancelled on request"
                )
                job.message.error.CopyFrom(refusal.status)
                if state == State.PENDING:
                    ended(job.message, None, job.life)
                else:
                    job.message.state = State.CANCELLING
                job.changed()
                self.changed.notify_all()
            return _copied(job.message)

    def delete(self, name: str, etag: str) -> None:
        """Remove a job.

        Raises:
            Refusal: It has not ended, is another by now, or is not there.
        """
        with self.changed:
            state = self._matching(name, etag).message.state
            if state not in TERMINAL:
                text = f"{name} is {State.Name(state)}; cancel it before it is deleted"
                raise in_state("WRONG_STATE", text, State.Name(state))
            del self._jobs[name]
            self.changed.notify_all()

    def finish(self, name: str, plan: Plan) -> None:
        """Say what becomes of a job that runs or waits; its thread does it."""
        with self.changed:
            job = self._known(name)
            waits = isinstance(job.plan, StaysPending)
            job.plan = plan
            self.changed.notify_all()
        if waits:
            threading.Thread(target=self._run, args=(job,), name="fake-job", daemon=True).start()

    def result(self, name: str) -> Succeeds:
        """What a succeeded job found.

        Raises:
            Refusal: It did not succeed, or is not there.
        """
        with self.changed:
            job = self._known(name)
            if job.message.state != State.SUCCEEDED or not isinstance(job.plan, Succeeds):
                state = State.Name(job.message.state)
                text = f"{name} is {state}; only a job that SUCCEEDED has a result"
                raise in_state("NO_RESULT", text, state)
            return job.plan

    def news(
        self, name: str, known: "Known", silence_seconds: float
    ) -> tuple[job_pb2.AnalysisJob | job_pb2.Progress | None, "Known"] | None:
        """What is new of a job: a snapshot, a progress, or nothing for too long; and what is known.

        None: the service ends.

        Raises:
            Refusal: There is no such job, or it was deleted.
        """
        end = time.monotonic() + silence_seconds
        with self.changed:
            while not self._closed:
                job = self._known(name)
                now = Known(job.message.uid, job.revision, _copied(job.message).progress)
                if (now.uid, now.revision) != (known.uid, known.revision):
                    return _copied(job.message), now
                if job.message.state in TERMINAL:
                    return _copied(job.message), now
                if now.progress != known.progress:
                    return now.progress, now
                left = end - time.monotonic()
                if left <= 0:
                    return None, now
                self.changed.wait(left)
        return None

    def _known(self, name: str) -> FakeJob:
        if name not in self._jobs:
            raise not_there(name)
        return self._jobs[name]

    def _matching(self, name: str, etag: str) -> FakeJob:
        job = self._known(name)
        if etag and etag != job.message.etag:
            raise Refusal(
                grpc.StatusCode.ABORTED,
                "ETAG_MISMATCH",
                f"{name} has changed since etag {etag!r} was read; read it again",
                metadata={"etag": job.message.etag},
            )
        return job

    def _run(self, job: FakeJob) -> None:
        if isinstance(job.plan, StaysPending):
            return
        with self.changed:
            if job.message.state != State.PENDING:
                return
            running(job.message)
            job.changed()
            self.changed.notify_all()
            self.changed.wait_for(
                lambda: not isinstance(job.plan, KeepsRunning) or self._stopped(job)
            )
            if isinstance(job.plan, Succeeds | Fails):
                self._work(job, job.plan)
            if self._closed:
                return
            plan = None if job.message.state == State.CANCELLING else job.plan
            ended(job.message, plan, job.life)
            job.changed()
            self.changed.notify_all()

    def _work(self, job: FakeJob, plan: Succeeds | Fails) -> None:
        """Go through the steps, each of which takes its part of the time."""
        for progress in units_of(plan):
            self.changed.wait_for(lambda: self._stopped(job), plan.seconds / max(1, plan.steps))
            if self._stopped(job):
                return
            job.message.progress.CopyFrom(progress)
            self.changed.notify_all()

    def _stopped(self, job: FakeJob) -> bool:
        return self._closed or job.message.state == State.CANCELLING


def _copied(message: job_pb2.AnalysisJob) -> job_pb2.AnalysisJob:
    copy = job_pb2.AnalysisJob()
    copy.CopyFrom(message)
    return copy
