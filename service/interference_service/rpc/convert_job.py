"""``AnalysisJob`` of the contract <-> job of the domain."""

from datetime import datetime

from interference.v1 import analysis_job_pb2
from interference_service.domain.job import Job, Progress, Settings
from interference_service.rpc.convert_specification import specification_to_wire
from interference_service.rpc.status import to_rpc_status
from interference_service.rpc.times import datetime_of, seconds_of
from interference_service.rpc.validation import validated

_NOT_MADE = ("name", "uid", "etag", "progress", "create_time", "update_time")


def settings_from_wire(message: analysis_job_pb2.AnalysisJob, path: str) -> Settings:
    """What the caller says about a job besides its specification.

    Raises:
        InvalidRequest: Fields do not fit; every violation names its path below ``path``.
    """
    plain = analysis_job_pb2.AnalysisJob(
        display_name=message.display_name, priority=message.priority
    )
    plain.labels.MergeFrom(message.labels)
    plain.annotations.MergeFrom(message.annotations)
    return validated(Settings, plain, path)


def expiration_from_wire(
    message: analysis_job_pb2.AnalysisJob, path: str
) -> tuple[float | None, datetime | None]:
    """Life after the end in seconds, or the time of removal; at most one is not None.

    Raises:
        InvalidRequest: The one that is set is out of range.
    """
    match message.WhichOneof("expiration"):
        case "ttl":
            return seconds_of(message.ttl, f"{path}.ttl"), None
        case "expire_time":
            return None, datetime_of(message.expire_time, f"{path}.expire_time")
        case _:
            return None, None


def job_to_wire(job: Job) -> analysis_job_pb2.AnalysisJob:
    """The message of a job."""
    inputs, verdict = job.resolved_inputs, job.verdict
    return analysis_job_pb2.AnalysisJob(
        name=job.name,
        uid=job.uid,
        **job.settings.model_dump(),
        **job.model_dump(include={"attempt", "creator", "engine_version"}),
        spec=specification_to_wire(job.specification),
        expire_time=job.expire_time,
        state=job.state.value,
        progress=progress_to_wire(job.progress),
        error=to_rpc_status(job.error) if job.error else None,
        verdict=verdict.model_dump() if verdict else None,
        resolved_inputs=inputs.model_dump() if inputs else None,
        create_time=job.create_time,
        update_time=job.update_time,
        start_time=job.start_time,
        end_time=job.end_time,
        etag=job.etag,
    )


def validated_job_to_wire(job: Job) -> analysis_job_pb2.AnalysisJob:
    """The message of a job that was checked, not made: without name, uid and times (AIP-163)."""
    message = job_to_wire(job)
    for field in _NOT_MADE:
        message.ClearField(field)
    return message


def progress_to_wire(progress: Progress) -> analysis_job_pb2.Progress:
    """The message of a progress."""
    return analysis_job_pb2.Progress(**progress.model_dump())
