"""Deadlines that are none."""

import grpc

from hostile.clients.attack import SERVICE, Attack, Target, code_of
from interference.v1 import analysis_service_pb2 as wire
from support.http2 import Connection

WATCH = f"{SERVICE}/WatchAnalysisJob"
LATE = grpc.StatusCode.DEADLINE_EXCEEDED


def _over_at_once(target: Target) -> None:
    with target.stub() as stub:
        request = wire.GetAnalysisJobRequest(name=target.job)
        codes = {code_of(lambda: stub.GetAnalysisJob(request, timeout=0)) for _ in range(100)}
        codes |= {code_of(lambda: stub.GetAnalysisJob(request, timeout=-1)) for _ in range(100)}
    assert codes <= {LATE, grpc.StatusCode.OK}


def _malformed(target: Target) -> None:
    """A hundred million hours, and what is no time at all."""
    body = wire.GetAnalysisJobRequest(name=target.job).SerializeToString()
    for text in ("99999999H", "0n", "", "abc", "-1S", "1", "1X", "9" * 500 + "H", "1S, 1S"):
        for path in (f"{SERVICE}/GetAnalysisJob", WATCH):
            with Connection(target.port) as connection:
                connection.call(path, body, [("grpc-timeout", text)])
                connection.status()


ATTACKS = (
    Attack("deadlines that are over at once", _over_at_once),
    Attack("deadlines that are no times, or of ten thousand years", _malformed),
)
