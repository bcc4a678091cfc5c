"""Tokens that are made up, cut, changed, or were given for something else."""

import base64
import json

import grpc

from hostile.clients.attack import Attack, Target, code_of
from interference.v1 import analysis_job_pb2 as jobs, analysis_service_pb2 as wire

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def _guesses() -> list[str]:
    """What an attacker would try first."""
    payloads = (b"", b"{}", json.dumps({"of": [], "after": ["2030", "a"]}).encode(), b"[" * 10_000)
    made = [base64.urlsafe_b64encode(bytes(16) + each).decode() for each in payloads]
    return [
        *made,
        "x",
        "=",
        "!" * 50,
        "\N{SNOWMAN}",
        "A" * 500_000,
        "0",
        "null",
        "../../etc/passwd",
    ]


def _changed(token: str) -> list[str]:
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    return [token[:-4], token[4:], token[:middle] + other + token[middle + 1 :], token[::-1]]


def _pages(target: Target) -> None:
    parent = target.job.partition("/analysisJobs")[0]
    with target.stub() as stub:
        for job_id in ("page-one", "page-two"):
            job = jobs.AnalysisJob()
            job.CopyFrom(stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=target.job)))
            job.ClearField("expire_time")
            code_of(
                lambda job=job, job_id=job_id: stub.CreateAnalysisJob(
                    wire.CreateAnalysisJobRequest(
                        parent=parent, analysis_job=job, analysis_job_id=job_id
                    )
                )
            )
        first = wire.ListAnalysisJobsRequest(parent=parent, page_size=1)
        token = stub.ListAnalysisJobs(first).next_page_token
        assert token
        resumed = stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=target.job))
        others = [next(resumed).resume_token]
        resumed.cancel()
        wrong = [
            *(
                wire.ListAnalysisJobsRequest(parent=parent, page_token=each)
                for each in (*_guesses(), *_changed(token), *others)
            ),
            wire.ListAnalysisJobsRequest(parent="projects/other", page_token=token),
            wire.ListAnalysisJobsRequest(parent=parent, page_token=token, order_by="end_time"),
            wire.ListAnalysisJobsRequest(
                parent=parent, page_token=token, filter="state = SUCCEEDED"
            ),
        ]
        for request in wrong:
            assert code_of(lambda r=request: stub.ListAnalysisJobs(r)) is INVALID, request
        good = wire.ListAnalysisJobsRequest(parent=parent, page_size=1, page_token=token)
        assert code_of(lambda: stub.ListAnalysisJobs(good)) is grpc.StatusCode.OK


def _matrices(target: Target) -> None:
    name = f"{target.job}/result"
    with target.stub() as stub:
        token = next(stub.ReadMatrices(wire.ReadMatricesRequest(name=name))).resume_token
        wrong = [
            *(
                wire.ReadMatricesRequest(name=name, resume_token=each)
                for each in (*_guesses(), *_changed(token))
            ),
            wire.ReadMatricesRequest(name=name, resume_token=token, class_ids=["0"]),
            wire.ReadMatricesRequest(name=name, resume_token=token, max_chunk_bytes=20_000),
        ]
        for request in wrong:
            assert code_of(lambda r=request: list(stub.ReadMatrices(r))) is INVALID, request


def _watches(target: Target) -> None:
    """Whatever the token, a watch begins with what anybody may see: the job as it is."""
    with target.stub() as stub:
        for token in _guesses():
            request = wire.WatchAnalysisJobRequest(name=target.job, resume_token=token)
            seen = list(stub.WatchAnalysisJob(request, timeout=10))
            assert [each.WhichOneof("event") for each in seen] == ["snapshot"]


ATTACKS = (
    Attack("tokens of pages", _pages),
    Attack("tokens of matrices", _matrices),
    Attack("tokens of watches", _watches),
)
