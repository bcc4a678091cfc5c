"""Calls that are many, are never finished, or are never read."""

import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hostile.clients.attack import MIB, SERVICE, Attack, Target
from interference.v1 import (
    analysis_result_pb2 as results,
    analysis_service_pb2 as wire,
    analysis_service_pb2_grpc,
)
from support.http2 import (
    END_STREAM,
    HEADERS,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Connection,
    frame,
    message,
    setting,
)
from support.waiting import eventually

GET = f"{SERVICE}/GetAnalysisJob"
INFO = f"{SERVICE}/GetServerInfo"
WATCH = f"{SERVICE}/WatchAnalysisJob"
MATRICES = f"{SERVICE}/ReadMatrices"
HEALTH = "/grpc.health.v1.Health/Watch"
CANCEL = struct.pack(">I", 8)


@contextmanager
def _watches(target: Target, channels: int, each: int) -> Iterator[None]:
    """So many open watches of the health on so many connections."""
    with ExitStack() as stack:
        calls = []
        for _ in range(channels):
            channel = stack.enter_context(target.channel())
            watch = channel.unary_stream(HEALTH)
            calls += [watch(b"") for _ in range(each)]
        yield
        for call in calls:
            call.cancel()


def _many_on_a_connection(target: Target) -> None:
    """Those beyond the limit wait, and others on other connections do not."""
    with _watches(target, 1, 300):
        assert target.answers()


def _many_on_connections(target: Target) -> None:
    with _watches(target, 8, 90):
        assert target.answers()


def _more_than_announced(target: Target) -> None:
    """A client that does not keep to the number of streams that the server announced."""
    with Connection(target.port, seconds=15) as connection:
        for _ in range(2000):
            connection.open(HEALTH)
        assert target.answers()


def _half_sent(target: Target) -> None:
    """Calls whose request never ends, without a deadline; the age of the connection ends them."""
    with ExitStack() as stack:
        opened = [stack.enter_context(Connection(target.port, seconds=15)) for _ in range(3)]
        for connection in opened:
            for _ in range(100):
                stream = connection.open(GET)
                connection.send_data(stream, message(bytes(1000))[:20], end=False)
        assert target.answers()
        assert all(each.closed() for each in opened)


def _never_read(target: Target) -> None:
    """Streams of somebody who takes no byte of them."""
    stuck = 'interference_streams_stuck_total{grpc_method="ReadMatrices"}'
    before, memory = target.series(stuck), target.cost().memory
    body = wire.ReadMatricesRequest(
        name=f"{target.job}/result", element_type=results.ELEMENT_TYPE_FLOAT64
    ).SerializeToString()
    with ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(Connection(target.port, window=0, seconds=15))
            for _ in range(30):
                connection.call(MATRICES, body)
        assert target.answers()
        eventually(lambda: target.series(stuck) >= before + 90, within_seconds=20)
        assert target.cost().memory - memory < 64 * MIB


def _never_read_unary(target: Target) -> None:
    """Answers that pile up, since nobody takes them."""
    body = wire.GetAnalysisResultRequest(name=f"{target.job}/result").SerializeToString()
    with Connection(target.port, window=0, seconds=15) as connection:
        for _ in range(100):
            connection.call(f"{SERVICE}/GetAnalysisResult", body)
        assert target.answers()


def _rapid_reset(target: Target) -> None:
    body = wire.GetAnalysisJobRequest(name=target.job).SerializeToString()
    with Connection(target.port) as connection:
        for _ in range(5000):
            stream = connection.call(GET, body)
            if not connection.send(frame(RST_STREAM, 0, stream, CANCEL)):
                break
        assert target.answers()


def _cancelled_while_written(target: Target) -> None:
    request = wire.ReadMatricesRequest(name=f"{target.job}/result")
    watch = wire.WatchAnalysisJobRequest(name=target.job)
    with target.channel() as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        for _ in range(150):
            for call in (stub.ReadMatrices(request), stub.WatchAnalysisJob(watch)):
                next(call, None)
                call.cancel()


def _vanishes_while_written(target: Target) -> None:
    body = wire.ReadMatricesRequest(name=f"{target.job}/result").SerializeToString()
    for _ in range(30):
        with Connection(target.port) as connection:
            connection.call(MATRICES, body)
            next(connection.frames())


def _flood_of(piece: bytes, times: int):
    """Frames that cost the sender nothing; nothing that comes back is read."""

    def run(target: Target) -> None:
        with Connection(target.port) as connection:
            for _ in range(times // 100):
                if not connection.send(piece * 100):
                    break
            assert target.answers()

    return run


def _pings(target: Target) -> None:
    """A client that asks all the time whether the server lives is told to go."""
    with Connection(target.port) as connection:
        connection.open(HEALTH)
        for _ in range(100):
            connection.send(frame(PING, 0, 0, bytes(8)))
        assert connection.closed()


def _empty_data(target: Target) -> None:
    with Connection(target.port) as connection:
        stream = connection.open(GET)
        for _ in range(200):
            if not connection.send(frame(0, 0, stream) * 100):
                break
        assert target.answers()


def _nonsense(target: Target) -> None:
    """Frames that must not be; the connection ends, and nothing else."""
    wrong = (
        frame(0, 0, 0, b"data of no stream"),
        frame(HEADERS, 0xFF, 2, b"\xff" * 50),
        frame(HEADERS, END_STREAM | 4, 1, b"\xff" * 50),
        frame(WINDOW_UPDATE, 0, 0, bytes(4)),
        frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2,
        frame(RST_STREAM, 0, 99, CANCEL),
        frame(SETTINGS, 0, 1, b""),
        frame(SETTINGS, 0, 0, b"\0"),
        frame(SETTINGS, 0, 0, setting(4, 0xFFFFFFFF)),
        frame(SETTINGS, 0, 0, setting(5, 1)),
        frame(PING, 0, 0, b"\0"),
        frame(99, 0, 1, b"of no kind"),
        b"\xff\xff\xff" + bytes(6),
        frame(9, 0, 1, b"continues nothing"),
        b"\0" * 10_000,
    )
    for piece in wrong:
        with Connection(target.port) as connection:
            connection.send(piece)
            connection.call(INFO, b"")
    assert target.answers()


ATTACKS = (
    Attack("three hundred streams on a connection", _many_on_a_connection),
    Attack("hundreds of streams on several connections", _many_on_connections),
    Attack("more streams than the server announced", _more_than_announced),
    Attack("requests that are half sent", _half_sent),
    Attack("streams that are never read", _never_read),
    Attack("answers that are never read", _never_read_unary),
    Attack("calls that are reset at once", _rapid_reset),
    Attack("streams that are cancelled while they are written", _cancelled_while_written),
    Attack("connections that vanish while they are written to", _vanishes_while_written),
    Attack("a flood of pings", _pings),
    Attack("a flood of settings", _flood_of(frame(SETTINGS, 0, 0, setting(3, 100)), 20_000)),
    Attack("a flood of priorities", _flood_of(frame(PRIORITY, 0, 1, bytes(5)), 20_000)),
    Attack("a flood of empty data", _empty_data),
    Attack("frames that must not be", _nonsense),
)
