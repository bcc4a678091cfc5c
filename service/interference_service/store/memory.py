"""Jobs in memory, for development and tests."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interference_service.domain.job import Job, JobState, Progress
from interference_service.domain.ports import Backlog, Clock, Idempotency, Mark, admit_all
from interference_service.domain.query import Cursor, JobPage, JobQuery
from interference_service.store.leases import claimed
from interference_service.store.matching import matches
from interference_service.store.paging import ordering_time, page_of
from interference_service.store.refusals import (
    job_exists,
    lease_lost,
    not_found,
    request_id_reused,
)
from interference_service.store.requests import REMEMBERED
from interference_service.store.tables import COUNTED

_Monitor = tuple[str, str]
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Entry:
    job: Job
    owner: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    digest: str
    uid: str
    time: datetime


class MemoryJobStore:
    """``JobStore`` that forgets with its process; safe to share among threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Reentrant, because what is called within a change may read.
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._turns: dict[str, datetime] = {}
        self._secrets: dict[str, bytes] = {}
        self._generation = 0

    def answered(self, idempotency: Idempotency) -> Job | None:
        """See ``JobStore.answered``."""
        with self._lock:
            oldest = self._clock.now() - REMEMBERED
            self._answers = {
                key: answer for key, answer in self._answers.items() if answer.time >= oldest
            }
            answer = self._answers.get((idempotency.principal, idempotency.request_id))
            if answer is None:
                return None
            if answer.digest != idempotency.request_digest:
                raise request_id_reused(idempotency)
            return next((job for job in self._jobs() if job.uid == answer.uid), None)

    def create(
        self,
        job: Job,
        idempotency: Idempotency | None,
        admit: Callable[[int], None] = admit_all,
    ) -> tuple[Job, bool]:
        """See ``JobStore.create``."""
        with self._lock:
            earlier = self.answered(idempotency) if idempotency else None
            if earlier is not None:
                return earlier, True
            if job.name in self._entries:
                raise job_exists(self._entries[job.name].job, job)
            admit(self._active()[job.project])
            self._entries[job.name] = _Entry(job)
            if idempotency:
                key = idempotency.principal, idempotency.request_id
                self._answers[key] = _Answer(idempotency.request_digest, job.uid, self._clock.now())
            return job, False

    def get(self, name: str) -> Job:
        """See ``JobStore.get``."""
        with self._lock:
            return self._entry(name).job

    def list(self, query: JobQuery) -> JobPage:
        """See ``JobStore.list``."""
        with self._lock:
            found = [
                job
                for job in self._jobs()
                if job.project == query.project and matches(query.filter, job)
            ]
        found.sort(
            key=lambda job: _key(ordering_time(job, query.order), job.id),
            reverse=query.order.descending,
        )
        if query.after is not None:
            last = _cursor_key(query.after)
            found = [
                job
                for job in found
                if _beyond(_key(ordering_time(job, query.order), job.id), last, query)
            ]
        return page_of(found[: query.limit + 1], query)

    def change(self, name: str, change: Callable[[Job], Job], *, owner: str | None = None) -> Job:
        """See ``JobStore.change``."""
        with self._lock:
            entry = self._entry(name)
            before = entry.job
            if owner is not None and not (before.state.held and entry.owner == owner):
                raise lease_lost(name, owner)
            entry.job = change(before)
            if not entry.job.state.held:
                entry.owner = entry.until = None
            if entry.job.state is not before.state and entry.job.state in COUNTED:
                self._generation += 1
            return entry.job

    def delete(self, name: str, check: Callable[[Job], None]) -> Job:
        """See ``JobStore.delete``."""
        with self._lock:
            job = self._entry(name).job
            check(job)
            del self._entries[name]
            self._generation += 1
            return job

    def claim(self, owner: str, lease: timedelta) -> Job | None:
        """See ``JobStore.claim``."""
        with self._lock:
            now = self._clock.now()
            free = [entry for entry in self._entries.values() if _claimable(entry, now)]
            if not free:
                return None
            held = Counter(
                entry.job.project for entry in self._entries.values() if _leased(entry, now)
            )

            def place(entry: _Entry) -> tuple[int, int, datetime, datetime, str]:
                job = entry.job
                share = held[job.project], self._turns.get(job.project, _LONG_AGO)
                return -job.urgency(now), *share, job.create_time, job.uid

            entry = min(free, key=place)
            entry.job, entry.owner, entry.until = claimed(entry.job, now), owner, now + lease
            self._turns[entry.job.project] = now
            return entry.job

    def renew(
        self, name: str, owner: str, lease: timedelta, progress: Progress | None
    ) -> JobState | None:
        """See ``JobStore.renew``."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or not entry.job.state.held or entry.owner != owner:
                return None
            entry.until = self._clock.now() + lease
            if progress is not None:
                entry.job = entry.job.model_copy(update={"progress": progress})
            return entry.job.state

    def marks(self, names: Collection[str]) -> Mapping[str, Mark]:
        """See ``JobStore.marks``."""
        with self._lock:
            found = [self._entries[name].job for name in names if name in self._entries]
        return {job.name: Mark(job.uid, job.revision, job.progress) for job in found}

    def expired(self, now: datetime, limit: int) -> Sequence[Job]:
        """See ``JobStore.expired``."""
        with self._lock:
            over = [
                (job.expire_time, job.uid, job)
                for job in self._jobs()
                if job.state.terminal and job.expire_time is not None and job.expire_time <= now
            ]
        return [job for *_, job in sorted(over, key=lambda each: each[:2])[:limit]]

    def attempts(self, uids: Collection[str]) -> Mapping[str, int]:
        """See ``JobStore.attempts``."""
        with self._lock:
            return {job.uid: job.attempt for job in self._jobs() if job.uid in uids}

    def latest(self, known: Collection[Job] = ()) -> Sequence[Job]:  # noqa: ARG002 - all is known
        """See ``JobStore.latest``."""
        newest = self._newest()
        return [newest[key] for key in sorted(newest)]

    def latest_of(self, project: str, monitor: str) -> Job | None:
        """See ``JobStore.latest_of``."""
        return self._newest().get((project, monitor))

    def failures(self) -> Mapping[tuple[str, str], int]:
        """See ``JobStore.failures``."""
        with self._lock:
            newest, failed = self._newest(), self._ended(JobState.FAILED)
        last = {key: end for key, job in newest.items() if (end := job.end_time) is not None}
        return Counter(key for end, key, _ in failed if end > last.get(key, _LONG_AGO))

    def backlog(self) -> Backlog:
        """See ``JobStore.backlog``."""
        with self._lock:
            states = [job.state for job in self._jobs()]
            pending = [job.create_time for job in self._jobs() if job.state is JobState.PENDING]
            active = self._active()
        counts = {state: states.count(state) for state in JobState if not state.terminal}
        return Backlog(counts, min(pending, default=None), active)

    def generation(self) -> int:
        """See ``JobStore.generation``."""
        with self._lock:
            return self._generation

    def secret(self, name: str) -> bytes:
        """See ``JobStore.secret``."""
        with self._lock:
            return self._secrets.setdefault(name, secrets.token_bytes(32))

    def ping(self) -> None:
        """See ``JobStore.ping``; memory is always there."""

    def _active(self) -> Counter[str]:
        return Counter(job.project for job in self._jobs() if not job.state.terminal)

    def _newest(self) -> dict[_Monitor, Job]:
        """The newest succeeded job of every monitor."""
        with self._lock:
            found = self._ended(JobState.SUCCEEDED)
        # The last of a monitor stays: the newest, and of equal times the one with the first uid.
        by_uid = sorted(found, key=lambda each: each[2].uid, reverse=True)
        return {key: job for _, key, job in sorted(by_uid, key=lambda each: each[0])}

    def _ended(self, state: JobState) -> Sequence[tuple[datetime, _Monitor, Job]]:
        """Jobs of monitors that ended so, with the time of it."""
        return [
            (job.end_time, (job.project, monitor), job)
            for job in self._jobs()
            if job.state is state and job.end_time and (monitor := job.specification.model.monitor)
        ]

    def _jobs(self) -> Sequence[Job]:
        return [entry.job for entry in self._entries.values()]

    def _entry(self, name: str) -> _Entry:
        entry = self._entries.get(name)
        if entry is None:
            raise not_found(name)
        return entry


_Key = tuple[datetime, str]
_NEVER = datetime.max.replace(tzinfo=UTC)


def _key(moment: datetime | None, job_id: str) -> _Key:
    """What a listing sorts by; without a time, after all others."""
    return moment or _NEVER, job_id


def _cursor_key(cursor: Cursor) -> _Key:
    moment = None if cursor.value is None else datetime.fromisoformat(cursor.value)
    return _key(moment, cursor.job_id)


def _beyond(key: _Key, last: _Key, query: JobQuery) -> bool:
    return key < last if query.order.descending else key > last


def _claimable(entry: _Entry, now: datetime) -> bool:
    if entry.job.state.held:
        return not _leased(entry, now)
    return entry.job.state is JobState.PENDING


def _leased(entry: _Entry, now: datetime) -> bool:
    return entry.until is not None and entry.until >= now
