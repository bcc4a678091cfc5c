"""What the tests of the command line say to a scripted service."""

from typing import Any

from interference.v1 import analysis_job_pb2 as job_pb2
from support.scripted_service import ScriptedService, job, snapshot

SUBMISSION = (
    "submit",
    "--model-uri=models://m.pt2",
    "--data-uri=rows://r.parquet",
    "--label=label",
    "--input=x=tensor:x,shape=1x8x8",
)


def verdict(outcome: str) -> job_pb2.Verdict:
    gate = job_pb2.Verdict.GateOutcome(
        gate_id="learns", outcome=outcome, explanation="was -1, wanted 0"
    )
    return job_pb2.Verdict(outcome=outcome, gates=[gate])


def ends(service: ScriptedService, state: str, **fields: Any) -> None:
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", [snapshot(state, **fields)])
