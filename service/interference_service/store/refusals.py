"""The errors of a job store, worded once for all stores."""

from interference_service.domain.job import Job
from interference_service.domain.ports import Idempotency
from interference_service.errors import JobExists, LeaseLost, NotFound, RequestIdReused


def not_found(name: str) -> NotFound:
    """There is no job of that name."""
    return NotFound(f"{name} does not exist", metadata={"name": name})


def job_exists(found: Job, wanted: Job) -> JobExists:
    """The name of the wanted job is taken."""
    same = found.specification == wanted.specification
    with_what = "the same" if same else "another"
    return JobExists(
        f"{found.name} exists already, with {with_what} specification; choose another id",
        metadata={"name": found.name, "same_spec": str(same).lower()},
    )


def request_id_reused(idempotency: Idempotency) -> RequestIdReused:
    """The request id belongs to another request."""
    return RequestIdReused(
        f"request_id {idempotency.request_id!r} came with another request within 24 hours; "
        "choose a new one for every request"
    )


def lease_lost(name: str, owner: str) -> LeaseLost:
    """The owner does not hold the job."""
    return LeaseLost(f"{name} is not held by {owner}")
