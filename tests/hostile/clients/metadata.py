"""Headers that are too many, too large, or written to be read by something else."""

import json

import grpc

from hostile.clients.attack import MOST_GROWTH, SERVICE, Attack, Target, code_of
from interference.v1 import analysis_service_pb2 as wire
from support.http2 import CONTINUATION, Connection, Headers, block, frame

INFO = f"{SERVICE}/GetServerInfo"
REFUSED = {
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
}
"""What gRPC itself makes of headers beyond its limits; none of it reaches our code."""


def _code(target: Target, metadata: tuple[tuple[str, str], ...]) -> grpc.StatusCode:
    with target.stub() as stub:
        request = wire.GetServerInfoRequest()
        return code_of(lambda: stub.GetServerInfo(request, metadata=metadata, timeout=10))


def _large_header(target: Target) -> None:
    for size in (17_000, 100_000, 1_000_000):
        assert _code(target, (("x-large", "x" * size),)) in REFUSED


def _many_headers(target: Target) -> None:
    assert _code(target, tuple((f"x-{i}", "y" * 16) for i in range(3000))) in REFUSED


def _endless_headers(target: Target) -> None:
    """Headers that never end, a frame after the other."""
    piece = frame(CONTINUATION, 0, 1, block([("x-more", "y" * 8000)]))
    with Connection(target.port) as connection:
        connection.open(INFO, end_headers=False)
        before = target.cost().memory
        for _ in range(8000):
            if not connection.send(piece):
                break
        assert target.cost().memory - before < MOST_GROWTH


def _request_ids(target: Target) -> None:
    """What would begin a line of the log, or clear a terminal, gets no further."""
    written: tuple[Headers, ...] = (
        [("x-request-id", b'a\n{"event": "forged"}')],
        [("x-request-id", b"\x1b[2Jforged")],
        [("x-request-id", b"\xff\xfeforged")],
        [("x-request-id", "forged id")],
        [("x-request-id", "forged" * 200)],
        [("x-request-id", "forged"), ("x-request-id", "forged")],
        [("X-Request-Id", "forged")],
        [("x-request-id\r\nx-forged", "forged")],
    )
    for headers in written:
        with Connection(target.port) as connection:
            connection.call(INFO, b"", headers)
            connection.status()
    lines = target.lines()
    assert [line for line in lines if "forged" in line] == []
    assert all(json.loads(line) for line in lines if line.startswith("{"))


def _odd_headers(target: Target) -> None:
    odd: tuple[Headers, ...] = (
        [("", "")],
        [(":path", INFO)],
        [(":status", "200")],
        [("grpc-encoding", "gzip\0")],
        [("grpc-accept-encoding", "x" * 7000)],
        [("content-type", "text/html")],
        [("te", "gzip"), ("connection", "close"), ("transfer-encoding", "chunked")],
        [("grpc-status-details-bin", "!" * 100)],
        [("grpc-trace-bin", "AAAA"), ("traceparent", "00-" + "0" * 32 + "-" + "f" * 16 + "-01")],
    )
    for headers in odd:
        with Connection(target.port) as connection:
            connection.call(INFO, b"", headers)
            connection.status()


ATTACKS = (
    Attack("a header of many KiB", _large_header),
    Attack("three thousand headers", _many_headers),
    Attack("headers without an end", _endless_headers),
    Attack("request ids that are written into the log", _request_ids),
    Attack("headers that mean something else", _odd_headers),
)
