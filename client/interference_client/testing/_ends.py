"""How a job is made, begins to run, gets on, and ends."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import grpc

from interference.v1 import analysis_job_pb2 as job_pb2
from interference_client._columns import subjects_of
from interference_client._version import client_version
from interference_client.specification import Gate
from interference_client.testing._plans import Fails, Plan, Succeeds
from interference_client.testing._refusals import Refusal
from interference_client.values import Verdict

State = job_pb2.AnalysisJob.State


def new_job(name: str, wanted: job_pb2.AnalysisJob) -> job_pb2.AnalysisJob:
    """A job that waits for a worker."""
    job = job_pb2.AnalysisJob(
        name=name,
        uid=str(uuid.uuid4()),
        display_name=wanted.display_name,
        spec=wanted.spec,
        labels=wanted.labels,
        annotations=wanted.annotations,
        priority=wanted.priority or job_pb2.PRIORITY_NORMAL,
        state=State.PENDING,
        creator="anonymous",
        engine_version=f"fake {client_version()}",
        progress=job_pb2.Progress(stage="QUEUED"),
    )
    job.create_time.FromDatetime(datetime.now(UTC))
    if wanted.WhichOneof("expiration") == "expire_time":
        job.expire_time.CopyFrom(wanted.expire_time)
    return job


def running(job: job_pb2.AnalysisJob) -> None:
    """A worker takes the job."""
    job.state = State.RUNNING
    job.attempt = 1
    job.start_time.FromDatetime(datetime.now(UTC))


def units_of(plan: Succeeds | Fails) -> Iterator[job_pb2.Progress]:
    """The progress that is told while a plan is carried out.

    Yields:
        One for every step.
    """
    for done in range(1, plan.steps + 1):
        yield job_pb2.Progress(stage="GRADIENTS", completed_units=done, total_units=plan.steps)


def ended(job: job_pb2.AnalysisJob, end: Plan | None, life: timedelta) -> None:
    """The job has ended as its plan says, or was cancelled if there is none."""
    match end:
        case Succeeds():
            try:
                verdict, inputs = _verdict(job, end), resolved(job, end)
            except Exception as error:  # noqa: BLE001 - else the test would wait for ever
                broken = Fails("INTERNAL", f"the plan of this job is broken: {error}")
                ended(job, broken, life)
                return
            job.verdict.CopyFrom(verdict)
            job.resolved_inputs.CopyFrom(inputs)
            job.state = State.SUCCEEDED
        case Fails():
            job.state = State.FAILED
            code = grpc.StatusCode.FAILED_PRECONDITION
            if end.violations:
                code = grpc.StatusCode.INVALID_ARGUMENT
            refusal = Refusal(code, end.reason, end.message, violations=end.violations)
            job.error.CopyFrom(refusal.status)
        case _:
            job.state = State.CANCELLED
    now = datetime.now(UTC)
    job.end_time.FromDatetime(now)
    if not job.HasField("expire_time"):
        job.expire_time.FromDatetime(now + life)


def resolved(job: job_pb2.AnalysisJob, plan: Succeeds) -> job_pb2.ResolvedInputs:
    """What a job would have read."""
    rows = sum(each.row_count for each in plan.result.classes.values())
    return job_pb2.ResolvedInputs(
        model_digest=job.spec.model.digest or f"sha256:{'0' * 64}",
        data_digest=job.spec.data.digest or f"sha256:{'1' * 64}",
        class_count=len(plan.result.classes),
        layer_count=len(plan.result.layers),
        row_count=rows,
        rows_used=rows,
        model_uri=job.spec.model.uri,
        inputs=job.spec.data.inputs,
    )


def _verdict(job: job_pb2.AnalysisJob, plan: Succeeds) -> job_pb2.Verdict:
    gates = [_gate(each) for each in job.spec.gates]
    subjects = subjects_of(plan.result.message(job.name))
    matrices = plan.result.all_matrices()
    judged = subjects.judge(gates, {each: matrices[each] for each in subjects.matrices(gates)})
    return _message(judged)


def _gate(message: job_pb2.Gate) -> Gate:
    least = message.comparison == job_pb2.COMPARISON_AT_LEAST
    bound = {"at_least" if least else "at_most": message.bound}
    return Gate(message.id, message.subject, **bound)


def _message(verdict: Verdict) -> job_pb2.Verdict:
    return job_pb2.Verdict(
        outcome=verdict.outcome,
        gates=[
            job_pb2.Verdict.GateOutcome(
                gate_id=each.id,
                outcome=each.outcome,
                observed=job_pb2.Estimate(
                    value=each.observed.value,
                    lower=each.observed.lower,
                    upper=each.observed.upper,
                ),
                explanation=each.explanation,
            )
            for each in verdict.gates
        ],
    )
