"""A real gRPC server whose answers a test writes down."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from interference.v1 import (
    analysis_job_pb2 as job_pb2,
    analysis_service_pb2 as service_pb2,
    analysis_service_pb2_grpc as service_grpc,
)

Answer = Callable[[Any, grpc.ServicerContext], Any]
NAME = "projects/default/analysisJobs/nightly"


class ScriptedService(service_grpc.AnalysisServiceServicer):
    """Gives the answers of its script, one a call; the last of a method stays."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Message]] = []
        self.metadata: list[dict[str, str]] = []
        self._script: dict[str, deque[Answer]] = defaultdict(deque)

    def script(self, method: str, *answers: Answer | Message | list[Message]) -> None:
        """What the next calls of a method get: messages, or functions of request and context."""
        for answer in answers:
            self._script[method].append(answer if callable(answer) else _always(answer))

    def requests(self, method: str) -> list[Any]:
        """What a method was asked."""
        return [request for name, request in self.asked if name == method]

    def _answer(self, method: str, request: Message, context: grpc.ServicerContext) -> Any:
        self.asked.append((method, request))
        self.metadata.append(dict(context.invocation_metadata()))
        script = self._script[method]
        return (script.popleft() if len(script) > 1 else script[0])(request, context)

    def CreateAnalysisJob(self, request, context):
        return self._answer("CreateAnalysisJob", request, context)

    def GetAnalysisJob(self, request, context):
        return self._answer("GetAnalysisJob", request, context)

    def ListAnalysisJobs(self, request, context):
        return self._answer("ListAnalysisJobs", request, context)

    def UpdateAnalysisJob(self, request, context):
        return self._answer("UpdateAnalysisJob", request, context)

    def CancelAnalysisJob(self, request, context):
        return self._answer("CancelAnalysisJob", request, context)

    def DeleteAnalysisJob(self, request, context):
        return self._answer("DeleteAnalysisJob", request, context)

    def WatchAnalysisJob(self, request, context):
        yield from self._answer("WatchAnalysisJob", request, context)

    def GetAnalysisResult(self, request, context):
        return self._answer("GetAnalysisResult", request, context)

    def ReadMatrices(self, request, context):
        yield from self._answer("ReadMatrices", request, context)

    def GetServerInfo(self, request, context):
        return self._answer("GetServerInfo", request, context)


def _always(answer: Any) -> Answer:
    return lambda *_: answer


@contextmanager
def serving(
    service: ScriptedService, port: int = 0, credentials: grpc.ServerCredentials | None = None
) -> Iterator[int]:
    """Serve on this machine, in the clear unless there are credentials; yields the port."""
    with ThreadPoolExecutor(8) as pool:
        server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        service_grpc.add_AnalysisServiceServicer_to_server(service, server)
        address = f"127.0.0.1:{port}"
        bound = (
            server.add_secure_port(address, credentials)
            if credentials
            else server.add_insecure_port(address)
        )
        server.start()
        try:
            yield bound
        finally:
            server.stop(0).wait()


def fails(
    code: grpc.StatusCode,
    text: str = "",
    *,
    reason: str = "",
    metadata: dict[str, str] | None = None,
    violations: dict[str, str] | None = None,
    retry_seconds: float = 0,
    request_id: str = "",
    pushback: str = "",
) -> Answer:
    """An answer that is an error with the details that the service gives."""
    details: list[Message] = []
    if reason:
        details.append(error_details_pb2.ErrorInfo(reason=reason, metadata=metadata or {}))
    if violations:
        bad = error_details_pb2.BadRequest()
        for field, description in violations.items():
            bad.field_violations.add(field=field, description=description)
        details.append(bad)
    if retry_seconds:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(retry_seconds * 1e9))
        details.append(retry)
    status = status_pb2.Status(code=code.value[0], message=text)
    for detail in details:
        status.details.add().Pack(detail)

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        trailing: list[tuple[str, str | bytes]] = [
            ("grpc-status-details-bin", status.SerializeToString())
        ]
        if request_id:
            trailing.append(("x-request-id", request_id))
        if pushback:
            trailing.append(("grpc-retry-pushback-ms", pushback))
        context.set_trailing_metadata(trailing)
        context.abort(code, text)

    return answer


def then_fails(messages: list[Message], code: grpc.StatusCode) -> Answer:
    """A stream that is cut after some messages."""

    def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        yield from messages
        context.abort(code, "cut")

    return answer


def job(state: str = "PENDING", **fields: Any) -> job_pb2.AnalysisJob:
    """A job in a state."""
    return job_pb2.AnalysisJob(**{"name": NAME, "uid": "u", "etag": "e1", "state": state} | fields)


def snapshot(state: str, token: str = "", **fields: Any) -> service_pb2.WatchAnalysisJobResponse:
    """An event of a watch that is a snapshot."""
    return service_pb2.WatchAnalysisJobResponse(resume_token=token, snapshot=job(state, **fields))


def progress(done: int, total: int, token: str = "") -> service_pb2.WatchAnalysisJobResponse:
    """An event of a watch that is progress."""
    return service_pb2.WatchAnalysisJobResponse(
        resume_token=token,
        progress=job_pb2.Progress(stage="GRADIENTS", completed_units=done, total_units=total),
    )


def heartbeat(token: str = "") -> service_pb2.WatchAnalysisJobResponse:
    """An event of a watch that says that nothing happened."""
    return service_pb2.WatchAnalysisJobResponse(
        resume_token=token, heartbeat=service_pb2.Heartbeat()
    )


def silent(request: Any, context: grpc.ServicerContext) -> Iterator[Message]:
    """A watch that tells one snapshot and then nothing, until its reader is gone."""
    yield snapshot("RUNNING", "t1")
    gone = threading.Event()
    context.add_callback(gone.set)
    gone.wait()
