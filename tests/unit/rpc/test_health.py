"""Health on the port of the service, beside callers who take all that they may."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from interference.v1 import analysis_service_pb2 as wire
from support.domain_examples import NAME, pending_job
from support.rpc_fakes import FakeJobs, served
from support.waiting import until

STREAMS = 100
"""As many as one connection may have."""


async def asked(channel: grpc.aio.Channel, seconds: float) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(), timeout=seconds)).status


async def test_streams_of_one_connection_keep_nobody_else_from_asking():
    jobs = FakeJobs(known={NAME: pending_job()}, endless=True)
    async with served(jobs) as rpc:
        request = wire.WatchAnalysisJobRequest(name=NAME)
        watches = [rpc.stub.WatchAnalysisJob(request) for _ in range(STREAMS)]
        # Only once all of them are open does one more on their connection have to wait.
        await until(lambda: len(jobs.asked) >= STREAMS)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asked(rpc.channel, seconds=0.5)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        own = (("grpc.use_local_subchannel_pool", 1),)
        address = f"127.0.0.1:{rpc.server.port}"
        async with grpc.aio.insecure_channel(address, options=own) as another:
            serving = health_pb2.HealthCheckResponse.SERVING
            assert await asked(another, seconds=20) == serving
        for each in watches:
            each.cancel()
