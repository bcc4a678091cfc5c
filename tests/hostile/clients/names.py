"""Names of methods and of things that lead somewhere else, or write where they are shown."""

import grpc

from hostile.clients.attack import SERVICE, Attack, Target, call_raw, code_of
from interference.v1 import analysis_service_pb2 as wire
from support.http2 import Connection

UNKNOWN = grpc.StatusCode.UNIMPLEMENTED
INVALID = grpc.StatusCode.INVALID_ARGUMENT
METHODS = (
    "/",
    "//",
    f"{SERVICE}/",
    f"{SERVICE}/getanalysisjob",
    f"{SERVICE.lower()}/GetAnalysisJob",
    f"{SERVICE}/GetAnalysisJob/",
    f"{SERVICE}//GetAnalysisJob",
    f"{SERVICE}/../{SERVICE[1:]}/GetAnalysisJob",
    f"{SERVICE}/GetAnalysisJob?x=1",
    f"{SERVICE}/GetAnalysisJob%00",
    f"{SERVICE}/__class__",
    "/grpc.health.v1.Health/Nothing",
    f"/{'x' * 4000}",
)
NAMES = (
    "",
    "projects/p",
    "projects/../analysisJobs/a",
    "projects/p/analysisJobs/../../x",
    "projects/p/analysisJobs/a/result/..",
    "projects/p/analysisJobs/a\n",
    "projects/p/analysisJobs/a\0",
    "projects/p/analysisJobs/a%2Fb",
    "projects/p/analysisJobs/" + "a" * 64,
    "projects/-/analysisJobs/-",
    "PROJECTS/p/analysisJobs/a",
    "projects/p/analysisJobs/\N{CYRILLIC SMALL LETTER A}",
    "projects/p'; DROP TABLE jobs; --/analysisJobs/a",
    "x" * 1_000_000,
)


def _methods(target: Target) -> None:
    with target.channel() as channel:
        for method in METHODS:
            code = code_of(lambda method=method: channel.unary_unary(method)(b"", timeout=10))
            assert code is UNKNOWN, method
    for path in ("", "*", "\x1b[2J", "http://elsewhere/x", "\xff"):
        with Connection(target.port) as connection:
            connection.call(path, b"")
            connection.status()


def _resources(target: Target) -> None:
    makers = (
        ("GetAnalysisJob", lambda name: wire.GetAnalysisJobRequest(name=name)),
        ("CancelAnalysisJob", lambda name: wire.CancelAnalysisJobRequest(name=name)),
        (
            "DeleteAnalysisJob",
            lambda name: wire.DeleteAnalysisJobRequest(name=name, allow_missing=True),
        ),
        ("WatchAnalysisJob", lambda name: wire.WatchAnalysisJobRequest(name=name)),
        ("GetAnalysisResult", lambda name: wire.GetAnalysisResultRequest(name=name)),
        ("ReadMatrices", lambda name: wire.ReadMatricesRequest(name=name)),
        (
            "UpdateAnalysisJob",
            lambda name: wire.UpdateAnalysisJobRequest(analysis_job={"name": name}),
        ),
        ("ListAnalysisJobs", lambda name: wire.ListAnalysisJobsRequest(parent=f"{name}/x")),
    )
    with target.channel() as channel:
        for method, make in makers:
            for name in NAMES:
                body = make(name).SerializeToString()
                code = code_of(lambda m=method, b=body: call_raw(channel, f"{SERVICE}/{m}", b))
                assert code is INVALID, (method, name[:80], code)


def _control_characters(target: Target) -> None:
    for control in ("\0", "\x07", "\x1b[2J", "\x7f", "\x9b", "\u2028", "\u202e"):
        changes = (
            {"display_name": f"a{control}b"},
            {"labels": {"team": control}},
            {"labels": {f"a{control}": "b"}},
            {"annotations": {"a": control}},
            {"annotations": {control: "a"}},
        )
        with target.stub() as stub:
            for change in changes:
                update = wire.UpdateAnalysisJobRequest(analysis_job={"name": target.job} | change)
                assert code_of(lambda u=update: stub.UpdateAnalysisJob(u)) is INVALID, change
            cancel = wire.CancelAnalysisJobRequest(name=target.job, reason=control)
            assert code_of(lambda c=cancel: stub.CancelAnalysisJob(c)) is INVALID
            listing = wire.ListAnalysisJobsRequest(
                parent="projects/default", filter=f'display_name = "{control}"'
            )
            assert code_of(lambda r=listing: stub.ListAnalysisJobs(r)) is INVALID


ATTACKS = (
    Attack("methods that are nearly ours", _methods),
    Attack("names that lead elsewhere", _resources),
    Attack("control characters in names", _control_characters),
)
