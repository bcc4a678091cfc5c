"""Fills a database with jobs in every state, by whatever version of the service is installed.

A process of its own, since it may run the code of an earlier version; see ``released_schemas``.
"""

import inspect
import json
import sys
import uuid
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from interference_service.domain.inputs import Input, TensorSource
from interference_service.domain.job import (
    Job,
    JobError,
    JobState,
    Priority,
    Progress,
    ResolvedInputs,
    Settings,
    Stage,
)
from interference_service.domain.ports import Idempotency
from interference_service.domain.specification import (
    AnalysisSpecification,
    Comparison,
    DataFormat,
    DataReference,
    Gate,
    ModelFormat,
    ModelReference,
)
from interference_service.domain.verdict import Estimate, judge, verdict
from interference_service.errors import Cancelled, InvalidData
from interference_service.store.database import open_database
from interference_service.store.migrations import upgrade
from interference_service.store.sql import SqlJobStore

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
REQUEST = Idempotency("alice", "r1", "d1")
GATE = Gate(
    id="learns", subject="summary/worst_progress_ratio", comparison=Comparison.AT_LEAST, bound=0.0
)
IDS = ("succeeded", "failed", "cancelled", "running", "cancelling", "pending")


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        return START


def fill(url: str) -> list[dict[str, object]]:
    """Bring a database to the newest schema of this version, and make jobs; returns them."""
    engine = open_database(url)
    upgrade(engine)
    store = _store(engine)
    for position, job_id in enumerate(IDS[:-1]):
        store.create(_job(job_id, position), REQUEST if job_id == "running" else None)
        _claim(store)
        if job_id in _ENDS:
            store.change(_name(job_id), _ENDS[job_id])
    store.create(_job("pending", len(IDS)), None)
    store.secret("tokens")
    made = [store.get(_name(job_id)).model_dump(mode="json") for job_id in IDS]
    engine.dispose()
    return made


def _store(engine: Engine) -> SqlJobStore:
    # Where leases are measured by the server's clock: this one stands still, as all others do.
    of_its_own = "lease_time" in inspect.signature(SqlJobStore).parameters
    return SqlJobStore(engine, Clock(), **({"lease_time": lambda _: START} if of_its_own else {}))


def _claim(store: SqlJobStore) -> None:
    lease = timedelta(seconds=10)
    # Versions differ in whether the store or its caller tells the time.
    with_times = "until" in inspect.signature(store.claim).parameters
    store.claim("worker", *((START, START + lease) if with_times else (lease,)))


def _succeed(job: Job) -> Job:
    return job.to(
        JobState.SUCCEEDED,
        START + timedelta(minutes=1),
        verdict=verdict((judge(GATE, Estimate()),)),
        resolved_inputs=ResolvedInputs(
            model_digest="sha256:" + "0" * 64,
            data_digest="sha256:" + "1" * 64,
            class_count=3,
            layer_count=2,
            row_count=1030,
            rows_used=1030,
        ),
        progress=Progress(stage=Stage.WRITE, completed_units=1, total_units=1, update_time=START),
        expire_time=START + timedelta(days=90),
    )


def _fail(job: Job) -> Job:
    error = JobError.of(InvalidData.at("data.uris[0]", "is empty", rule="rows"))
    return job.to(JobState.FAILED, START + timedelta(minutes=2), error=error)


def _cancel(job: Job) -> Job:
    error = JobError.of(Cancelled("cancelled on request"))
    cancelling = job.to(JobState.CANCELLING, START, error=error)
    return cancelling.to(JobState.CANCELLED, START + timedelta(minutes=3))


def _begin_to_cancel(job: Job) -> Job:
    return job.to(JobState.CANCELLING, START, error=JobError.of(Cancelled("cancelled on request")))


_ENDS: dict[str, Callable[[Job], Job]] = {
    "succeeded": _succeed,
    "failed": _fail,
    "cancelled": _cancel,
    "cancelling": _begin_to_cancel,
}


def _name(job_id: str) -> str:
    return f"projects/default/analysisJobs/{job_id}"


def _job(job_id: str, position: int) -> Job:
    made = START + timedelta(seconds=position)
    return Job(
        project="default",
        id=job_id,
        uid=str(uuid.uuid5(uuid.NAMESPACE_OID, job_id)),
        specification=AnalysisSpecification(
            model=ModelReference(
                uri="models://solar/model.pt2",
                format=ModelFormat.TORCH_EXPORT,
                monitor="solar",
                version="v1",
            ),
            data=DataReference(
                uris=("data://solar/train.parquet",),
                format=DataFormat.PARQUET,
                label_column="label",
                inputs=(Input(name="x", tensor=TensorSource(column="pixels", shape=(4,))),),
            ),
            gates=(GATE,),
            max_run_duration=timedelta(hours=1),
        ),
        settings=Settings(
            display_name="Nächtlich",
            labels={"team": "x"},
            annotations={"run": "17"},
            priority=Priority.HIGH,
        ),
        creator="alice",
        engine_version="gradient-interference 0.1.0",
        progress=Progress(update_time=made),
        create_time=made,
        update_time=made,
        ttl_seconds=3600.5,
    )


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):  # what is logged is none of the jobs
        kept = fill(sys.argv[1])
    sys.stdout.write(json.dumps(kept, indent=1, ensure_ascii=False))
