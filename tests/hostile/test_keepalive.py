"""Clients that ask whether the server lives: as often as ours do is welcome, all the time is not."""

import asyncio

import grpc
import pytest

from interference.v1 import analysis_service_pb2 as wire
from support.domain_examples import NAME, pending_job
from support.rpc_fakes import FakeJobs, served

SECONDS = 45
PINGS = (
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_timeout_ms", 5_000),
)


async def watched(seconds_between_pings: float) -> grpc.StatusCode:
    """How a watch ends of a client that pings so often; it would itself end it after a while."""
    options = (*PINGS, ("grpc.keepalive_time_ms", int(seconds_between_pings * 1000)))
    async with served(FakeJobs(known={NAME: pending_job()}, endless=True)) as rpc:
        address = f"127.0.0.1:{rpc.server.port}"
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            watch = channel.unary_stream("/interference.v1.AnalysisService/WatchAnalysisJob")
            request = wire.WatchAnalysisJobRequest(name=NAME)
            call = watch(request.SerializeToString(), timeout=SECONDS)
            return await call.code()


@pytest.mark.slow
async def test_who_pings_as_often_as_is_allowed_is_let_alone_and_who_pings_more_is_not():
    allowed, too_fast = await asyncio.gather(watched(11), watched(2))
    assert allowed is grpc.StatusCode.DEADLINE_EXCEEDED
    assert too_fast is grpc.StatusCode.UNAVAILABLE
