"""A service, and what it tells of calls that it refuses and jobs that fail."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from interference.v1 import (
    analysis_service_pb2 as wire,
    analysis_service_pb2_grpc as service_grpc,
)
from interference_client import Client, Job
from support.submissions import submit, submit_slow


@dataclass(frozen=True, slots=True)
class Told:
    """A status as a client reads it."""

    code: grpc.StatusCode
    details: dict[str, Any]
    """By the names of their types."""

    @property
    def reason(self) -> str:
        return self.details["ErrorInfo"].reason

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.details["ErrorInfo"].metadata)

    @property
    def fields(self) -> list[str]:
        return [each.field for each in self.details["BadRequest"].field_violations]


def told(status: status_pb2.Status) -> Told:
    details = {}
    for each in status.details:
        detail = getattr(error_details_pb2, each.type_url.rpartition(".")[2])()
        assert each.Unpack(detail)
        details[type(detail).__name__] = detail
    assert details["ErrorInfo"].domain == "interference.internal"
    (code,) = (code for code in grpc.StatusCode if code.value[0] == status.code)
    return Told(code, details)


@dataclass(frozen=True, slots=True)
class World:
    """A service, with what brings it into trouble."""

    home: Path
    files: Path
    channel: grpc.Channel
    client: Client

    @property
    def stub(self) -> service_grpc.AnalysisServiceStub:
        return service_grpc.AnalysisServiceStub(self.channel)

    @property
    def log(self) -> str:
        return (self.home / "service.log").read_text()

    def refused(self, method: str, request: Message | bytes) -> Told:
        """How a call ends."""
        streams = method in {"WatchAnalysisJob", "ReadMatrices"}
        open_call = self.channel.unary_stream if streams else self.channel.unary_unary
        call = open_call(f"/interference.v1.AnalysisService/{method}")
        content = request if isinstance(request, bytes) else request.SerializeToString()
        with pytest.raises(grpc.RpcError) as caught:
            list(call(content)) if streams else call(content)
        metadata = dict(caught.value.trailing_metadata())
        found = told(status_pb2.Status.FromString(metadata["grpc-status-details-bin"]))
        assert found.code is caught.value.code()
        return found

    def failed(self, **changes: Any) -> Told:
        """How a job ends."""
        return self.end_of(submit(self.client, **changes))

    def end_of(self, job: Job) -> Told:
        job.wait(timeout=200, check=False)
        return told(self.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=job.name)).error)

    def succeeded(self) -> Job:
        return submit(self.client).wait(timeout=200)

    def slow(self, **changes: Any) -> Job:
        return submit_slow(self.client, **changes)
