"""The server itself: health, reflection, port, limits."""

import logging

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from interference.v1 import analysis_service_pb2 as wire, analysis_service_pb2_grpc
from interference_service.rpc.interceptors import interceptors
from interference_service.rpc.server import RpcServer
from support.domain_examples import NAME, pending_job
from support.rpc_fakes import FakeJobs, ignore, refused, served, servicer

SERVICE = "interference.v1.AnalysisService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def status_of(rpc, service: str) -> int:
    stub = health_pb2_grpc.HealthStub(rpc.channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status


async def test_the_service_is_ready_once_started_and_until_told_otherwise():
    async with served(FakeJobs()) as rpc:
        assert await status_of(rpc, SERVICE) == SERVING
        await rpc.server.set_serving(False)
        assert await status_of(rpc, SERVICE) == NOT_SERVING
        assert await status_of(rpc, "") == SERVING


async def test_a_watcher_of_the_health_hears_of_the_change():
    async with served(FakeJobs()) as rpc:
        stub = health_pb2_grpc.HealthStub(rpc.channel)
        call = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await call.read()).status == SERVING
        await rpc.server.set_serving(False)
        assert (await call.read()).status == NOT_SERVING
        call.cancel()


async def test_the_health_of_an_unknown_service_is_not_found():
    async with served(FakeJobs()) as rpc:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await status_of(rpc, "nobody")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_list_of_the_health_is_not_there_rather_than_an_internal_error():
    async with served(FakeJobs()) as rpc:
        stub = health_pb2_grpc.HealthStub(rpc.channel)
        error = await refused(stub.List(health_pb2.HealthListRequest()))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "Check" in error.details()


async def services(rpc) -> set[str]:
    stub = reflection_pb2_grpc.ServerReflectionStub(rpc.channel)
    call = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    )
    response = await call.read()
    return {each.name for each in response.list_services_response.service}


async def test_reflection_lists_the_services():
    async with served(FakeJobs(), reflection=True) as rpc:
        assert await services(rpc) == {
            SERVICE,
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }


async def test_without_reflection_nobody_is_told_the_contract():
    async with served(FakeJobs()) as rpc:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await services(rpc)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_port_that_is_taken_is_an_error_that_names_it():
    async with served(FakeJobs()) as rpc:
        address = f"127.0.0.1:{rpc.server.port}"
        with pytest.raises(OSError, match=address):
            RpcServer(
                servicer(FakeJobs()),
                interceptors=interceptors(ignore),
                address=address,
            )


async def test_a_request_above_the_limit_does_not_reach_the_service():
    jobs = FakeJobs()
    async with served(jobs) as rpc:
        error = await refused(
            rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name="x" * 1_100_000))
        )
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert jobs.asked == []


async def test_a_compressed_request_is_refused():
    async with served(FakeJobs(known={NAME: pending_job()})) as rpc:
        address = f"127.0.0.1:{rpc.server.port}"
        async with grpc.aio.insecure_channel(address, compression=grpc.Compression.Gzip) as channel:
            stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
            error = await refused(stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME * 1000)))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_server_with_credentials_serves_who_has_them():
    server = RpcServer(
        servicer(FakeJobs(), version="1"),
        interceptors=interceptors(ignore),
        address="127.0.0.1:0",
        credentials=grpc.local_server_credentials(),
    )
    await server.start()
    address = f"127.0.0.1:{server.port}"
    request = wire.GetServerInfoRequest()
    credentials = grpc.local_channel_credentials()
    async with grpc.aio.secure_channel(address, credentials) as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        assert (await stub.GetServerInfo(request)).version == "1"
    await server.stop(0)


async def test_an_option_of_the_caller_wins():
    server = RpcServer(
        servicer(FakeJobs()),
        interceptors=interceptors(ignore),
        address="127.0.0.1:0",
        options={"grpc.max_receive_message_length": 64},
    )
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        error = await refused(stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name="x" * 100)))
    await server.stop(0)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("Invalid encoding on %s", False),
        ("ExecuteBatchError raised in core by servicer method [%s]", False),
        ("Unexpected [%s] raised by servicer method [%s]", True),
    ],
)
async def test_a_client_cannot_fill_the_log_of_grpc(message, kept, caplog):
    async with served(FakeJobs()):
        logging.getLogger("grpc._cython.cygrpc").error(message, b"\xff", "x")
    # asyncio may log beside it: gRPC's queue still holds events of loops that other tests closed.
    assert any(record.name == "grpc._cython.cygrpc" for record in caplog.records) is kept
