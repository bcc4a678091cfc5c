"""Clients that are too old, by the user agent that gRPC sends."""

import grpc
import pytest

from interference.v1 import analysis_service_pb2 as wire, analysis_service_pb2_grpc
from interference_service.rpc.client_version import ClientVersionInterceptor
from support.rpc_fakes import FakeJobs, details_of, refused, served


async def answer(rpc, agent: str):
    """The answer, or the error, that a client of a user agent gets."""
    options = [("grpc.primary_user_agent", agent)] if agent else []
    address = f"127.0.0.1:{rpc.server.port}"
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        call = stub.GetServerInfo(wire.GetServerInfoRequest())
        try:
            return await call
        except grpc.aio.AioRpcError:
            return await refused(stub.GetServerInfo(wire.GetServerInfoRequest()))


@pytest.mark.parametrize(
    "agent", ["interference-client/1.1.9", "notebook/7 interference-client/1.2.0rc1"]
)
async def test_a_client_that_is_too_old_is_refused_and_told_what_to_install(agent):
    async with served(FakeJobs(), minimum_client_version="1.2") as rpc:
        error = await answer(rpc, agent)
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    info = details_of(error)["ErrorInfo"]
    assert (info.reason, info.metadata["minimum_client_version"]) == ("CLIENT_TOO_OLD", "1.2")
    assert info.metadata["client_version"] == agent.rpartition("/")[2]
    assert "install a newer" in error.details()


@pytest.mark.parametrize(
    "agent",
    [
        "interference-client/1.2.0",
        "interference-client/1.10",
        "interference-client/unknown",
        "my-interference-client/0.1",
        "grpcurl/1.9",
        "",
    ],
)
async def test_other_clients_are_served(agent):
    async with served(FakeJobs(), minimum_client_version="1.2") as rpc:
        assert (await answer(rpc, agent)).minimum_client_version == "1.2"


async def test_without_a_minimum_every_client_is_served():
    async with served(FakeJobs()) as rpc:
        assert (await answer(rpc, "interference-client/0.0.1")).version == "1.2.3"


def test_a_minimum_that_is_no_version_is_an_error_at_once():
    with pytest.raises(ValueError, match="newest"):
        ClientVersionInterceptor("newest")
