"""The methods of the fake service."""

import hashlib
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf import duration_pb2, empty_pb2, field_mask_pb2

from interference.v1 import (
    analysis_job_pb2 as job_pb2,
    analysis_result_pb2 as result_pb2,
    analysis_service_pb2 as service_pb2,
    analysis_service_pb2_grpc as service_grpc,
)
from interference_client._version import client_version
from interference_client.testing._ends import new_job, resolved
from interference_client.testing._jobs import TERMINAL, FakeJob, FakeJobs, Known
from interference_client.testing._listing import page_of
from interference_client.testing._matrices import read_matrices
from interference_client.testing._plans import Succeeds
from interference_client.testing._refusals import (
    JOB,
    JOB_ID,
    PROJECT,
    RESULT,
    Refusal,
    checked_name,
    unfit,
)

_CAPABILITIES = (
    "MODEL_FORMAT_TORCH_EXPORT",
    "DATA_FORMAT_PARQUET",
    "ELEMENT_TYPE_FLOAT32",
    "ELEMENT_TYPE_FLOAT64",
    "ELEMENT_TYPE_FLOAT16",
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CHANGEABLE = ("display_name", "labels", "annotations", "priority", "ttl", "expire_time")
_LEAST_HEARTBEAT, _USUAL_HEARTBEAT, _MOST_HEARTBEAT = 5.0, 15.0, 60.0


class FakeServicer(service_grpc.AnalysisServiceServicer):
    """Answers as the service would, about jobs whose results are made up."""

    def __init__(self, jobs: FakeJobs) -> None:
        self._jobs = jobs

    def CreateAnalysisJob(
        self, request: service_pb2.CreateAnalysisJobRequest, context: grpc.ServicerContext
    ) -> job_pb2.AnalysisJob:
        """Start a job."""
        project = checked_name(request.parent, PROJECT, "parent")
        if violations := _violations(request):
            raise unfit(violations)
        job_id = request.analysis_job_id or f"job-{uuid.uuid4().hex[:20]}"
        wanted = (
            f"{project}/analysisJobs/{job_id}",
            request.analysis_job,
            request.request_id,
            _digest(request),
        )
        if request.validate_only:
            self._jobs.check(*wanted)
            return self._validated(request.analysis_job)
        job, replayed = self._jobs.create(*wanted)
        if replayed:
            context.set_trailing_metadata((("interference-replayed", "true"),))
        return job

    def _validated(self, wanted: job_pb2.AnalysisJob) -> job_pb2.AnalysisJob:
        job = new_job("", wanted)
        plan = next(iter(self._jobs.plans))
        if isinstance(plan, Succeeds):
            job.resolved_inputs.CopyFrom(resolved(job, plan))
            job.resolved_inputs.ClearField("rows_used")
        for field in ("uid", "etag", "progress", "create_time", "update_time"):
            job.ClearField(field)
        return job

    def GetAnalysisJob(
        self, request: service_pb2.GetAnalysisJobRequest, context: grpc.ServicerContext
    ) -> job_pb2.AnalysisJob:
        """The job as it is now."""
        return self._jobs.get(checked_name(request.name, JOB, "name"))

    def ListAnalysisJobs(
        self, request: service_pb2.ListAnalysisJobsRequest, context: grpc.ServicerContext
    ) -> service_pb2.ListAnalysisJobsResponse:
        """One page of a project's jobs."""
        checked_name(request.parent, PROJECT, "parent")
        return page_of(request, self._jobs.all())

    def UpdateAnalysisJob(
        self, request: service_pb2.UpdateAnalysisJobRequest, context: grpc.ServicerContext
    ) -> job_pb2.AnalysisJob:
        """Change what a caller may say about a job."""
        wanted = request.analysis_job
        name = checked_name(wanted.name, JOB, "analysis_job.name")
        paths = list(request.update_mask.paths)
        if unknown := [path for path in paths if path not in _CHANGEABLE]:
            raise unfit({"update_mask": f"names {unknown[0]!r}; may name {_CHANGEABLE}"})
        paths = paths or [each.name for each, _ in wanted.ListFields() if each.name in _CHANGEABLE]

        def change(job: FakeJob) -> None:
            plain = [path for path in paths if path not in {"ttl", "expire_time"}]
            for path in plain:
                job.message.ClearField(path)  # else maps would be merged
            field_mask_pb2.FieldMask(paths=plain).MergeMessage(wanted, job.message, True, True)
            if "ttl" in paths:
                job.life = wanted.ttl.ToTimedelta()
                job.message.ClearField("expire_time")
                if job.message.HasField("end_time"):
                    end = job.message.end_time.ToDatetime(tzinfo=UTC) + job.life
                    job.message.expire_time.FromDatetime(end)
            if "expire_time" in paths:
                job.message.expire_time.CopyFrom(wanted.expire_time)

        return self._jobs.change(name, wanted.etag, change)

    def CancelAnalysisJob(
        self, request: service_pb2.CancelAnalysisJobRequest, context: grpc.ServicerContext
    ) -> job_pb2.AnalysisJob:
        """Ask for the end of a job."""
        return self._jobs.cancel(checked_name(request.name, JOB, "name"), request.reason)

    def DeleteAnalysisJob(
        self, request: service_pb2.DeleteAnalysisJobRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Remove a finished job and its result."""
        name = checked_name(request.name, JOB, "name")
        try:
            self._jobs.delete(name, request.etag)
        except Refusal as refusal:
            if refusal.code is not grpc.StatusCode.NOT_FOUND or not request.allow_missing:
                raise
        return empty_pb2.Empty()

    def WatchAnalysisJob(
        self, request: service_pb2.WatchAnalysisJobRequest, context: grpc.ServicerContext
    ) -> Iterator[service_pb2.WatchAnalysisJobResponse]:
        """Tell what happens to a job, until it is finished.

        Yields:
            Snapshots, progress and heartbeats.
        """
        name = checked_name(request.name, JOB, "name")
        known, silence, over = Known.of(request.resume_token), _heartbeat(request), False
        while not over and (news := self._jobs.news(name, known, silence)) is not None:
            body, known = news
            response = service_pb2.WatchAnalysisJobResponse(resume_token=known.resume_token)
            response.event_time.FromDatetime(datetime.now(UTC))
            if isinstance(body, job_pb2.AnalysisJob):
                response.snapshot.CopyFrom(body)
                over = body.state in TERMINAL
            elif isinstance(body, job_pb2.Progress):
                response.progress.CopyFrom(body)
            else:
                response.heartbeat.SetInParent()
            yield response

    def GetAnalysisResult(
        self, request: service_pb2.GetAnalysisResultRequest, context: grpc.ServicerContext
    ) -> result_pb2.AnalysisResult:
        """Result without matrix elements."""
        name = checked_name(request.name, RESULT, "name").removesuffix("/result")
        return self._jobs.result(name).result.message(name)

    def ReadMatrices(
        self, request: service_pb2.ReadMatricesRequest, context: grpc.ServicerContext
    ) -> Iterator[service_pb2.ReadMatricesResponse]:
        """Send matrix elements.

        Yields:
            Header, chunks, header, chunks, ..., end.
        """
        name = checked_name(request.name, RESULT, "name").removesuffix("/result")
        result = self._jobs.result(name).result
        yield from read_matrices(request, result.all_matrices(), list(result.classes))

    def GetServerInfo(
        self, request: service_pb2.GetServerInfoRequest, context: grpc.ServicerContext
    ) -> service_pb2.ServerInfo:
        """Versions, capabilities and limits."""
        return service_pb2.ServerInfo(
            version=client_version(),
            engine_version=f"fake {client_version()}",
            capabilities=_CAPABILITIES,
            limits=service_pb2.Limits(
                max_classes=10_000,
                max_layers=10_000,
                max_request_bytes=1 << 20,
                max_chunk_bytes=1 << 20,
                max_watch_duration=duration_pb2.Duration(seconds=1_800),
                max_ttl=duration_pb2.Duration(seconds=366 * 86_400),
            ),
        )


def _heartbeat(request: service_pb2.WatchAnalysisJobRequest) -> float:
    if not request.HasField("heartbeat_interval"):
        return _USUAL_HEARTBEAT
    wanted: float = request.heartbeat_interval.ToTimedelta().total_seconds()
    return min(max(wanted, _LEAST_HEARTBEAT), _MOST_HEARTBEAT)


def _violations(request: service_pb2.CreateAnalysisJobRequest) -> dict[str, str]:
    """What is missing, or of the wrong form."""
    job, found = request.analysis_job, {}
    if request.analysis_job_id and JOB_ID.fullmatch(request.analysis_job_id) is None:
        found["analysis_job_id"] = f"must match {JOB_ID.pattern}, or be empty"
    if request.request_id and _UUID.fullmatch(request.request_id) is None:
        found["request_id"] = "must be a UUID, or empty"
    if not job.HasField("spec"):
        return found | {"analysis_job.spec": "is not set; it is required"}
    needed: dict[str, Any] = {
        "model.uri": job.spec.model.uri,
        "model.format": job.spec.model.format,
        "data.uris": job.spec.data.uris,
        "data.format": job.spec.data.format,
        "data.label_column": job.spec.data.label_column,
        "data.inputs": job.spec.data.inputs,
    }
    missing = [path for path, value in needed.items() if not value]
    return found | {f"analysis_job.spec.{path}": "is not set; it is required" for path in missing}


def _digest(request: service_pb2.CreateAnalysisJobRequest) -> str:
    bare = service_pb2.CreateAnalysisJobRequest()
    bare.CopyFrom(request)
    for field in ("request_id", "validate_only"):
        bare.ClearField(field)
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()
