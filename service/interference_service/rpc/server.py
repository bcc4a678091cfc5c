"""The gRPC server: limits against hostile clients, health, reflection, TLS."""

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import grpc
from grpc_health.v1 import (  # type: ignore[import-untyped]  # ships no annotations
    health,
    health_pb2,
    health_pb2_grpc,
)
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]  # likewise
    reflection as server_reflection,
)

from interference.v1 import analysis_service_pb2, analysis_service_pb2_grpc
from interference_service.rpc.analysis_servicer import AnalysisServicer
from interference_service.rpc.connections import Connections
from interference_service.rpc.convert_limits import MAX_REQUEST_BYTES
from interference_service.rpc.handlers import Context

SERVICE = analysis_service_pb2.DESCRIPTOR.services_by_name["AnalysisService"].full_name

OPTIONS: Mapping[str, int] = MappingProxyType(
    {
        "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
        # Room for the result of the largest analysis: numbers per class and a line per matrix.
        "grpc.max_send_message_length": 32 << 20,
        "grpc.compression_enabled_algorithms_bitset": 1,  # none: matrices do not compress
        "grpc.so_reuseport": 0,  # else a second process on the port would take half of the calls
        "grpc.http2.min_ping_interval_without_data_ms": 10_000,
        "grpc.keepalive_time_ms": 60_000,
        "grpc.keepalive_timeout_ms": 20_000,
    }
)
"""Channel options besides those of ``Connections``."""


class _Health(health.aio.HealthServicer):  # type: ignore[misc]  # its base has no type
    """The library's, which raises where it is asked for a list."""

    async def List(self, request: object, context: Context) -> None:
        """Say that there is no list."""
        await context.abort(
            grpc.StatusCode.UNIMPLEMENTED, "there is no list of services; ask for one with Check"
        )


class RpcServer:
    """A server with its port and its health.

    Args:
        servicer: The service.
        interceptors: Outermost first.
        address: ``host:port``; port 0 takes a free one. Bound at once, served from ``start`` on.
        credentials: For TLS; None: plain text.
        reflection: Whether callers may ask for the contract.
        connections: What connections may cost; None: the usual.
        options: More channel options, which win over the usual ones.

    Raises:
        OSError: The address cannot be bound, for instance because its port is taken.
    """

    def __init__(
        self,
        servicer: AnalysisServicer,
        *,
        interceptors: Sequence[grpc.aio.ServerInterceptor],
        address: str,
        credentials: grpc.ServerCredentials | None = None,
        reflection: bool = False,
        connections: Connections | None = None,
        options: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        logging.getLogger("grpc._cython.cygrpc").addFilter(_is_of_the_service)
        merged = {**OPTIONS, **(connections or Connections()).options(), **options}
        self._server = grpc.aio.server(interceptors=interceptors, options=tuple(merged.items()))
        self._health = _Health()
        analysis_service_pb2_grpc.add_AnalysisServiceServicer_to_server(servicer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if reflection:
            names = (SERVICE, health.SERVICE_NAME, server_reflection.SERVICE_NAME)
            server_reflection.enable_server_reflection(names, self._server)
        self.port = _bind(self._server, address, credentials)
        """As bound; the one that was free if port 0 was asked for."""

    async def start(self) -> None:
        """Take calls and say that the service is ready."""
        await self.set_serving(True)
        await self._server.start()

    async def set_serving(self, serving: bool) -> None:
        """Say whether the service is ready; that the process lives is said all the time."""
        status = health_pb2.HealthCheckResponse
        await self._health.set(SERVICE, status.SERVING if serving else status.NOT_SERVING)

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new calls at once, and end those that run after a while."""
        await self._server.stop(grace_seconds)


def _is_of_the_service(record: logging.LogRecord) -> bool:
    """Whether a line of gRPC's log tells of more than of what a client did.

    Headers that are no UTF-8, and clients that are gone before they have their answer, it logs as
    errors with a stack trace.
    """
    return not str(record.msg).startswith(("Invalid encoding on", "ExecuteBatchError raised in"))


def _bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(
            f"cannot listen on {address}; is the port taken, or the address not of this machine?"
        ) from error
