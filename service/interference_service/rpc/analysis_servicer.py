"""One method per RPC: convert, delegate, convert."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from google.protobuf import empty_pb2

from interference.v1 import (
    analysis_job_pb2,
    analysis_result_pb2,
    analysis_service_pb2 as wire,
    analysis_service_pb2_grpc,
)
from interference_service.domain.job import Job, project_of as project_of_job
from interference_service.domain.quotas import StreamKind
from interference_service.domain.texts import control_character
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.errors import InvalidRequest
from interference_service.jobs.service import AnalysisJobs
from interference_service.jobs.streams import Streams
from interference_service.jobs.tokens import Seal
from interference_service.rpc.authentication import current_principal
from interference_service.rpc.authorisation import tell
from interference_service.rpc.convert_job import job_to_wire, validated_job_to_wire
from interference_service.rpc.convert_limits import limits_to_wire
from interference_service.rpc.convert_requests import changes_from_wire, submission_from_wire
from interference_service.rpc.convert_result import result_to_wire
from interference_service.rpc.decoding import converted
from interference_service.rpc.handlers import Context
from interference_service.rpc.interceptors import add_trailing_metadata
from interference_service.rpc.matrices import read_matrices
from interference_service.rpc.matrix_plan import ELEMENT_TYPES
from interference_service.rpc.resource_names import job_named, job_of_result, project_of
from interference_service.rpc.watch import events_to_wire, heartbeat_seconds

REPLAYED: tuple[tuple[str, str], ...] = (("interference-replayed", "true"),)
"""Trailing metadata of a create that an earlier request with its request id had done."""
_PAGE_BYTES = 1_048_576
_MAX_REASON = 512


class AnalysisServicer(analysis_service_pb2_grpc.AnalysisServiceServicer):
    """``interference.v1.AnalysisService`` on top of the use cases."""

    def __init__(
        self,
        jobs: AnalysisJobs,
        seal: Seal,
        *,
        streams: Streams,
        version: str,
        engine_version: str,
        capabilities: Sequence[str] = (),
        minimum_client_version: str = "",
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._jobs = jobs
        self._seal = seal
        self._tracer = tracer
        self._streams = streams
        self._about = wire.ServerInfo(
            version=version,
            engine_version=engine_version,
            capabilities=(*capabilities, *ELEMENT_TYPES),
            minimum_client_version=minimum_client_version,
        )

    async def CreateAnalysisJob(
        self, request: wire.CreateAnalysisJobRequest, context: Context
    ) -> analysis_job_pb2.AnalysisJob:
        """Start a job; returns when it is durable."""
        principal = current_principal().name
        trace_parent = self._tracer.trace_parent()
        submission = await asyncio.to_thread(submission_from_wire, request, principal, trace_parent)
        await converted()
        job, replayed = await self._jobs.submit(submission)
        if submission.validate_only:
            return validated_job_to_wire(job)
        if replayed:
            add_trailing_metadata(context, REPLAYED)
        # The line of this call leads from its request id to the job, whose lines have its name.
        tell(job.name, self._tracer)
        return job_to_wire(job)

    async def GetAnalysisJob(
        self, request: wire.GetAnalysisJobRequest, context: Context
    ) -> analysis_job_pb2.AnalysisJob:
        """The job as it is now."""
        return job_to_wire(await self._jobs.get(job_named(request.name)))

    async def ListAnalysisJobs(
        self, request: wire.ListAnalysisJobsRequest, context: Context
    ) -> wire.ListAnalysisJobsResponse:
        """One page of a project's jobs, of at most 1 MiB unless a single job is larger."""
        project = project_of(request.parent)
        page_size = request.page_size
        while True:
            jobs, token = await self._jobs.list(
                project,
                page_size=page_size,
                page_token=request.page_token,
                filter_text=request.filter,
                order_by=request.order_by,
                principal=current_principal().name,
            )
            messages = await asyncio.to_thread(_page, jobs)
            if len(messages) == len(jobs):
                return wire.ListAnalysisJobsResponse(analysis_jobs=messages, next_page_token=token)
            # The token must point behind the last job sent, so a shorter page is asked for.
            page_size = len(messages)

    async def UpdateAnalysisJob(
        self, request: wire.UpdateAnalysisJobRequest, context: Context
    ) -> analysis_job_pb2.AnalysisJob:
        """Change what a caller may say about a job."""
        name = job_named(request.analysis_job.name, "analysis_job.name")
        changes = await asyncio.to_thread(changes_from_wire, request)
        await converted()
        return job_to_wire(await self._jobs.update(name, changes, etag=request.analysis_job.etag))

    async def CancelAnalysisJob(
        self, request: wire.CancelAnalysisJobRequest, context: Context
    ) -> analysis_job_pb2.AnalysisJob:
        """Ask for the end of a job."""
        name = job_named(request.name)
        if len(request.reason) > _MAX_REASON:
            raise InvalidRequest.field(
                "reason", f"has {len(request.reason)} characters; may have {_MAX_REASON}"
            )
        if found := control_character(request.reason, lines=True):
            raise InvalidRequest.field("reason", f"has the control character {found}")
        return job_to_wire(await self._jobs.cancel(name, request.reason))

    async def DeleteAnalysisJob(
        self, request: wire.DeleteAnalysisJobRequest, context: Context
    ) -> empty_pb2.Empty:
        """Remove a finished job and its result."""
        name = job_named(request.name)
        await self._jobs.delete(name, etag=request.etag, allow_missing=request.allow_missing)
        return empty_pb2.Empty()

    async def WatchAnalysisJob(
        self, request: wire.WatchAnalysisJobRequest, context: Context
    ) -> AsyncIterator[wire.WatchAnalysisJobResponse]:
        """Tell what happens to a job, until it is finished.

        Yields:
            Snapshots, progress and heartbeats.
        """
        name = job_named(request.name)
        events = self._jobs.watch(
            name,
            principal=current_principal().name,
            resume_token=request.resume_token,
            heartbeat_seconds=heartbeat_seconds(request),
        )
        async with aclosing(events_to_wire(events)) as responses:
            limited = self._streams.limited(project_of_job(name), StreamKind.WATCH, responses)
            async with aclosing(limited):
                async for response in limited:
                    yield response

    async def GetAnalysisResult(
        self, request: wire.GetAnalysisResultRequest, context: Context
    ) -> analysis_result_pb2.AnalysisResult:
        """Result without matrix elements."""
        job, result = await self._jobs.result(job_of_result(request.name))
        return await asyncio.to_thread(result_to_wire, job.name, result)

    async def ReadMatrices(
        self, request: wire.ReadMatricesRequest, context: Context
    ) -> AsyncIterator[wire.ReadMatricesResponse]:
        """Send matrix elements.

        Yields:
            Header, chunks, header, chunks, ..., end.
        """
        project = project_of_job(job_of_result(request.name))
        principal = current_principal().name
        async with aclosing(read_matrices(self._jobs, self._seal, request, principal)) as parts:
            limited = self._streams.limited(project, StreamKind.MATRICES, parts)
            async with aclosing(limited):
                async for response in limited:
                    yield response

    async def GetServerInfo(
        self, request: wire.GetServerInfoRequest, context: Context
    ) -> wire.ServerInfo:
        """Versions, capabilities and limits."""
        limits = self._jobs.limits(project_of(request.parent) if request.parent else "")
        info = wire.ServerInfo(limits=limits_to_wire(limits))
        info.MergeFrom(self._about)
        return info


def _page(jobs: Sequence[Job]) -> list[analysis_job_pb2.AnalysisJob]:
    """As many of the jobs, at least one, as fit into a page."""
    page: list[Any] = []
    size = 0
    for job in jobs:
        message = job_to_wire(job)
        size += message.ByteSize()
        if page and size > _PAGE_BYTES:
            break
        page.append(message)
    return page
