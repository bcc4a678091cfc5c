"""What becomes of the jobs of monitors."""

from datetime import datetime, timedelta

from interference_service.domain.job import Job, JobError, JobState
from interference_service.domain.ports import JobStore
from interference_service.errors import InvalidData


def fail(store: JobStore, wanted: Job, now: datetime) -> None:
    """Make the job in the store, run it as the only one, and let it fail at ``now``."""
    store.create(wanted, None)
    claimed = store.claim("worker", timedelta(seconds=10))
    assert claimed is not None
    assert claimed.name == wanted.name
    error = JobError.of(InvalidData("no"))
    store.change(wanted.name, lambda each: each.to(JobState.FAILED, now, error=error))
