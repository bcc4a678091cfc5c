"""What it means to claim a job, whatever the store."""

from datetime import datetime

from interference_service.domain.job import Job, JobState, Progress


def claimed(job: Job, now: datetime) -> Job:
    """The job as its next worker gets it: one attempt more, its progress begun anew.

    A pending job becomes RUNNING; one whose worker was lost keeps its state.
    """
    start = job.start_time or now
    progress = Progress(update_time=now)
    if job.state is JobState.PENDING:
        return job.to(
            JobState.RUNNING, now, attempt=job.attempt + 1, start_time=start, progress=progress
        )
    return job.changed(now, attempt=job.attempt + 1, start_time=start, progress=progress)
