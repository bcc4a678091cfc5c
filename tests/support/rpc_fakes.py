"""The use cases as a fake, and a real server on a socket in front of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from interference.v1 import analysis_service_pb2_grpc
from interference_service.domain.events import Event
from interference_service.domain.job import Job, Settings, job_name
from interference_service.domain.ports import Authenticator, EventSink
from interference_service.domain.quotas import Quotas
from interference_service.domain.result import AnalysisResult, Matrix
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.errors import NoResult, NotFound
from interference_service.jobs.limits import Limits
from interference_service.jobs.quotas import QuotaKeeper
from interference_service.jobs.streams import Streams
from interference_service.jobs.submission import Submission
from interference_service.jobs.tokens import Seal
from interference_service.jobs.watching import WatchEvent
from interference_service.rpc.analysis_servicer import AnalysisServicer
from interference_service.rpc.audit import CountRefusal
from interference_service.rpc.interceptors import interceptors
from interference_service.rpc.limits import USUAL, CallLimits
from interference_service.rpc.server import RpcServer
from support.domain_examples import NOW, pending_job


@dataclass
class FakeJobs:
    """Answers like the use cases, from values that a test has set; notes what it was asked."""

    known: dict[str, Job] = field(default_factory=dict)
    analysis: AnalysisResult | None = None
    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    events: Sequence[WatchEvent] = ()
    raises: BaseException | None = None
    asked: list[Any] = field(default_factory=list)
    watch_entered: asyncio.Event = field(default_factory=asyncio.Event)
    watch_left: asyncio.Event = field(default_factory=asyncio.Event)
    endless: bool = False
    quotas: Quotas = field(default_factory=Quotas)

    def limits(self, project: str = "") -> Limits:
        return Limits().of(self.quotas.of(project))

    async def submit(self, submission: Submission) -> tuple[Job, bool]:
        self._note(submission)
        job = pending_job(
            project=submission.project,
            id=submission.job_id or "made-here",
            specification=submission.specification,
            settings=submission.settings,
            creator=submission.principal,
            ttl_seconds=submission.ttl_seconds,
            expire_time=submission.expire_time,
        )
        if submission.validate_only:
            return job, False
        replayed = job.name in self.known
        return self.known.setdefault(job.name, job), replayed

    async def get(self, name: str) -> Job:
        self._note(name)
        if name not in self.known:
            raise NotFound(f"{name} is not there", metadata={"name": name})
        return self.known[name]

    async def list(self, project: str, **wanted: Any) -> tuple[Sequence[Job], str]:
        self._note((project, wanted))
        size = wanted["page_size"] or 50
        begin = int(wanted["page_token"] or 0)
        jobs = list(self.known.values())[begin : begin + size]
        return jobs, str(begin + size) if begin + size < len(self.known) else ""

    async def update(self, name: str, changes: Mapping[str, object], *, etag: str) -> Job:
        self._note((name, dict(changes), etag))
        job = await self.get(name)
        settings = {key: value for key, value in changes.items() if key in Settings.model_fields}
        return job.changed(NOW, settings=job.settings.model_copy(update=settings))

    async def cancel(self, name: str, reason: str) -> Job:
        self._note((name, reason))
        return await self.get(name)

    async def delete(self, name: str, *, etag: str, allow_missing: bool) -> None:
        self._note((name, etag, allow_missing))

    async def watch(
        self, name: str, *, principal: str, resume_token: str, heartbeat_seconds: float
    ) -> AsyncIterator[WatchEvent]:
        self._note((name, principal, resume_token, heartbeat_seconds))
        self.watch_entered.set()
        try:
            for event in self.events:
                yield event
            while self.endless:
                await asyncio.Event().wait()
        finally:
            self.watch_left.set()

    async def result(self, name: str) -> tuple[Job, AnalysisResult]:
        job = await self.get(name)
        if self.analysis is None:
            raise NoResult(f"{name} is {job.state}", metadata={"state": job.state.value})
        return job, self.analysis

    async def matrix(self, job: Job, matrix_id: str) -> Matrix:
        self._note((job.name, matrix_id))
        return self.matrices[matrix_id]

    def _note(self, what: Any) -> None:
        self.asked.append(what)
        if self.raises is not None:
            raise self.raises


@dataclass(frozen=True)
class Served:
    """A server with one channel to it."""

    stub: Any
    channel: grpc.aio.Channel
    server: RpcServer
    observed: asyncio.Queue[tuple[str, str, str, float]]
    """Method, type, code and seconds of every finished call."""
    begun: list[tuple[str, str]]
    """Method and type of every call that has begun."""


def ignore(*_: Any) -> Any:
    """An observer that looks away, and goes on to."""
    return ignore


class NoSink:
    """A sink that takes no note."""

    def emit(self, event: Event) -> None:
        pass


def servicer(
    jobs: FakeJobs, sink: EventSink | None = None, key: bytes = b"k" * 32, **about: Any
) -> AnalysisServicer:
    """The servicer of the fake."""
    told = sink or NoSink()
    streams = Streams(QuotaKeeper(jobs.quotas, told), told)
    version = {"version": "1.2.3", "engine_version": "engine 4"}
    return AnalysisServicer(jobs, Seal(key), streams=streams, **version | about)


@asynccontextmanager
async def served(
    jobs: FakeJobs,
    *,
    authenticator: Authenticator | None = None,
    limits: CallLimits = USUAL,
    reflection: bool = False,
    key: bytes = b"k" * 32,
    count_refusal: CountRefusal = ignore,
    tracer: Tracer = UNTRACED,
    sink: EventSink | None = None,
    minimum_client_version: str = "",
) -> AsyncIterator[Served]:
    """Serve the fake on a free port of this machine."""
    observed: asyncio.Queue[tuple[str, str, str, float]] = asyncio.Queue()
    begun: list[tuple[str, str]] = []

    def observe(*call: str) -> Callable[..., None]:
        begun.append(call)
        return lambda *end: observed.put_nowait((*call, *end))

    server = RpcServer(
        servicer(jobs, sink, key, minimum_client_version=minimum_client_version, tracer=tracer),
        interceptors=interceptors(
            observe,
            authenticator,
            count_refusal,
            limits,
            tracer,
            minimum_client_version=minimum_client_version,
        ),
        address="127.0.0.1:0",
        reflection=reflection,
    )
    await server.start()
    try:
        options = (("grpc.max_receive_message_length", 32 << 20),)
        address = f"127.0.0.1:{server.port}"
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
            yield Served(stub, channel, server, observed, begun)
    finally:
        await server.stop(0)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    """The error that a call, or the first response of a stream, ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (call.read() if hasattr(call, "read") else call)
    return caught.value


def name_of(job_id: str) -> str:
    """Name of a job of the tests' project."""
    return job_name("solar", job_id)


def details_of(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """The details of a status by the name of their type."""
    metadata = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    found = {}
    for each in status.details:
        detail = getattr(error_details_pb2, each.type_url.rpartition(".")[2])()
        assert each.Unpack(detail)
        found[type(detail).__name__] = detail
    return found


def fields_of(error: grpc.aio.AioRpcError) -> list[str]:
    """Fields of the violations of a status."""
    bad_request = details_of(error)["BadRequest"]
    return [violation.field for violation in bad_request.field_violations]
