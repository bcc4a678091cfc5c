"""Which requests were answered already, by request id (AIP-155)."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, exists, insert, not_, select

from interference_service.domain.job import Job
from interference_service.domain.ports import Idempotency
from interference_service.store.refusals import request_id_reused
from interference_service.store.rows import job_of
from interference_service.store.tables import jobs, request_ids

REMEMBERED = timedelta(hours=24)
"""How long a request id is kept."""

# Made once: to build a statement costs more than to run it.
_SAME = (request_ids.c.principal == bindparam("asked_by")) & (
    request_ids.c.request_id == bindparam("asked_id")
)
_ANSWERED = (
    select(request_ids.c.request_digest, jobs)
    .join_from(request_ids, jobs, jobs.c.uid == request_ids.c.job_uid, isouter=True)
    .where(_SAME, request_ids.c.create_time >= bindparam("since"))
)
_GONE = _SAME & not_(exists().where(jobs.c.uid == request_ids.c.job_uid))
_FORGET = delete(request_ids).where(_GONE | (request_ids.c.create_time < bindparam("since")))


def answered(connection: Connection, idempotency: Idempotency, now: datetime) -> Job | None:
    """The job that this very request made before, as it is now; None if it is new or gone.

    Raises:
        RequestIdReused: The request id came with another request.
    """
    row = connection.execute(_ANSWERED, _asked(idempotency, now)).mappings().one_or_none()
    if row is None:
        return None
    if row["request_digest"] != idempotency.request_digest:
        raise request_id_reused(idempotency)
    return None if row["uid"] is None else job_of(row)


def remember(connection: Connection, idempotency: Idempotency, job: Job, now: datetime) -> None:
    """Note which job the request made, in place of one that is gone; forget what is old.

    Fails where a rival has noted one that is there, since it was asked whether there is any.
    """
    connection.execute(_FORGET, _asked(idempotency, now))
    connection.execute(
        insert(request_ids),
        {
            "principal": idempotency.principal,
            "request_id": idempotency.request_id,
            "request_digest": idempotency.request_digest,
            "job_uid": job.uid,
            "create_time": now,
        },
    )


def _asked(idempotency: Idempotency, now: datetime) -> dict[str, str | datetime]:
    return {
        "asked_by": idempotency.principal,
        "asked_id": idempotency.request_id,
        "since": now - REMEMBERED,
    }
