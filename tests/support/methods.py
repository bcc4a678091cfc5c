"""Every method that the server has, from the descriptors, and calls of any of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from interference.v1 import analysis_service_pb2

_FILES = (analysis_service_pb2, health_pb2, reflection_pb2)
_ATTRIBUTES = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, False): "stream_unary",
    (True, True): "stream_stream",
}

_WROTE_TOO_LATE = "Internal error from Core"
"""What grpc.aio says of a message that it wrote into a call that was over, whatever status came."""


@dataclass(frozen=True)
class Method:
    """A method, whatever its arity."""

    descriptor: MethodDescriptor

    @property
    def path(self) -> str:
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def ours(self) -> bool:
        return self.descriptor.full_name.startswith("interference.")

    @property
    def names_a_resource(self) -> bool:
        fields = self.descriptor.input_type.fields_by_name
        return self.ours and not {"parent", "name", "analysis_job"}.isdisjoint(fields.keys())

    def request(self, project: str, job: str) -> bytes:
        """A request about a job, or about the project that it is in."""
        message: Any = GetMessageClass(self.descriptor.input_type)()
        fields = self.descriptor.input_type.fields_by_name
        name = f"projects/{project}/analysisJobs/{job}"
        if "parent" in fields:
            message.parent = f"projects/{project}"
        elif "analysis_job" in fields:
            message.analysis_job.name = name
        elif "name" in fields:
            reads_result = "Result" in self.path or "Matrices" in self.path
            message.name = f"{name}/result" if reads_result else name
        serialised: bytes = message.SerializeToString()
        return serialised

    def opened(self, channel: grpc.aio.Channel) -> Any:
        """What makes calls of it."""
        kind = self.descriptor.client_streaming, self.descriptor.server_streaming
        return getattr(channel, _ATTRIBUTES[kind])(self.path)

    def sent(self, body: bytes) -> bytes | Iterator[bytes]:
        """A request as a call takes it."""
        return iter([body]) if self.descriptor.client_streaming else body

    async def call(
        self, channel: grpc.aio.Channel, body: bytes, metadata: Sequence[tuple[str, str]] = ()
    ) -> grpc.StatusCode:
        """Call it; returns the code that it ends with."""
        return (await self.ended(channel, body, metadata)).code()

    async def ended(
        self, channel: grpc.aio.Channel, body: bytes, metadata: Sequence[tuple[str, str]] = ()
    ) -> Any:
        """Call it; returns the error that it ends with, or the call that went well."""
        while True:
            found = await self._ended(channel, body, metadata)
            if found.code() is not grpc.StatusCode.INTERNAL or found.details() != _WROTE_TOO_LATE:
                return found

    async def _ended(
        self, channel: grpc.aio.Channel, body: bytes, metadata: Sequence[tuple[str, str]]
    ) -> Any:
        call = self.opened(channel)(self.sent(body), metadata=metadata, timeout=60)
        try:
            if self.descriptor.server_streaming:
                await call.read()
                call.cancel()
                return Fine()
            await call
        except grpc.aio.AioRpcError as error:
            return error
        return Fine()


class Fine:
    """A call that brought an answer."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.OK


METHODS = tuple(
    Method(method)
    for file in _FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
)


def name_of(method: Method) -> str:
    """For the names of tests."""
    return method.path.rpartition(".")[2]
