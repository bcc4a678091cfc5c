"""Streams of a project, and readers that take nothing, over real sockets."""

import asyncio
from collections import Counter

import grpc

from interference.v1 import analysis_service_pb2 as wire, analysis_service_pb2_grpc
from interference_service.domain.events import StreamClosed, StreamOpened
from interference_service.domain.job import Settings
from interference_service.domain.quotas import Quota, Quotas, StreamKind
from interference_service.jobs.watching import WatchEvent
from interference_service.rpc.limits import CallLimits
from support.domain_examples import (
    NAME,
    NOW,
    analysis_result,
    pending_job,
    result_matrices,
    succeeded_job,
)
from support.rpc_fakes import FakeJobs, details_of, refused, served
from support.waiting import until

WATCH = wire.WatchAnalysisJobRequest(name=NAME)
SIZE = 300
"""Classes of a result whose matrices do not fit into the window of a connection."""
LARGE = pending_job(settings=Settings(annotations={"note": "x" * 16_000}))


class Sink:
    """Counts events."""

    def __init__(self) -> None:
        self.counts: Counter[object] = Counter()

    def emit(self, event: object) -> None:
        self.counts[event] += 1

    async def until(self, event: object, count: int) -> None:
        await until(lambda: self.counts[event] >= count)


def limited(**quota) -> Quotas:
    return Quotas(projects={"solar": Quota(**quota)})


async def test_a_project_has_no_more_watches_than_it_may_and_its_end_makes_room():
    jobs = FakeJobs(
        events=(WatchEvent("t", NOW, pending_job()),),
        endless=True,
        quotas=limited(max_watches=2),
    )
    sink = Sink()
    async with served(jobs, sink=sink) as rpc:
        watches = [rpc.stub.WatchAnalysisJob(WATCH) for _ in range(2)]
        for each in watches:
            assert (await each.read()).resume_token == "t"
        error = await refused(rpc.stub.WatchAnalysisJob(WATCH))
        elsewhere = NAME.replace("solar", "wind")
        other = rpc.stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=elsewhere))
        assert (await other.read()).resume_token == "t"
        watches[0].cancel()
        await sink.until(StreamClosed(StreamKind.WATCH), 1)
        assert (await rpc.stub.WatchAnalysisJob(WATCH).read()).resume_token == "t"
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    found = details_of(error)
    assert found["ErrorInfo"].reason == "QUOTA_EXCEEDED"
    assert dict(found["ErrorInfo"].metadata) == {
        "project": "solar",
        "limit": "max_watches",
        "allowed": "2",
    }
    (violation,) = found["QuotaFailure"].violations
    assert (violation.subject, violation.description) == ("projects/solar", error.details())
    assert found["RetryInfo"].retry_delay.ToTimedelta().total_seconds() == 5


async def test_streams_of_matrices_have_a_limit_of_their_own():
    matrices = FakeJobs(
        known={NAME: succeeded_job()},
        analysis=analysis_result(SIZE),
        matrices=result_matrices(SIZE),
        quotas=limited(max_matrix_streams=1),
    )
    sink = Sink()
    request = wire.ReadMatricesRequest(name=f"{NAME}/result", max_chunk_bytes=16_384)
    async with served(matrices, sink=sink) as rpc:
        reading = rpc.stub.ReadMatrices(request)
        await reading.read()
        error = await refused(rpc.stub.ReadMatrices(request))
        reading.cancel()
        await sink.until(StreamClosed(StreamKind.MATRICES), 1)
        assert (await rpc.stub.ReadMatrices(request).read()).HasField("header")
    assert details_of(error)["ErrorInfo"].metadata["limit"] == "max_matrix_streams"


async def test_readers_that_take_nothing_hold_their_places_until_they_are_given_up():
    jobs = FakeJobs(events=(WatchEvent("t", NOW, LARGE),) * 500, quotas=limited(max_watches=3))
    sink = Sink()
    stuck_streams: asyncio.Queue[str] = asyncio.Queue()
    limits = CallLimits(write_seconds=1, stuck=stuck_streams.put_nowait)
    async with served(jobs, sink=sink, limits=limits) as rpc:
        address = f"127.0.0.1:{rpc.server.port}"
        narrow = (("grpc.http2.bdp_probe", 0),)  # else the window grows with what is sent
        async with grpc.aio.insecure_channel(address, options=narrow) as channel:
            stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
            stuck = [stub.WatchAnalysisJob(WATCH) for _ in range(3)]
            for each in stuck:
                await each.read()
            error = await refused(rpc.stub.WatchAnalysisJob(WATCH))
            assert details_of(error)["ErrorInfo"].reason == "QUOTA_EXCEEDED"
            await sink.until(StreamClosed(StreamKind.WATCH), 3)
            assert stuck_streams.qsize() == 3
        watch = rpc.stub.WatchAnalysisJob(WATCH)
        assert len([response async for response in watch]) == 500
    assert sink.counts[StreamOpened(StreamKind.WATCH)] == 4
