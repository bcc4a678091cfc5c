"""Callers of every released contract are understood, and understand what they are told."""

from collections.abc import Callable

import grpc
import pytest
from google.protobuf.message import Message

from interference.v1 import analysis_service_pb2 as wire, error_reason_pb2
from interference_service.domain.job import Progress
from interference_service.jobs.watching import WatchEvent
from interference_service.rpc.convert_job import job_to_wire
from interference_service.rpc.convert_requests import submission_from_wire
from interference_service.rpc.convert_result import result_to_wire
from interference_service.rpc.watch import event_to_wire
from support import recorded
from support.domain_examples import (
    NAME,
    NOW,
    analysis_result,
    failed_job,
    pending_job,
    result_matrices,
    succeeded_job,
)
from support.released import VERSIONS, ReleasedContract, differences
from support.rpc_fakes import FakeJobs, served

RECORDED = [(version, case) for version in VERSIONS for case in recorded.cases(version)]


@pytest.fixture(scope="module", params=VERSIONS)
def contract(request) -> ReleasedContract:
    return ReleasedContract(request.param)


def test_every_release_left_requests_of_every_method():
    methods = wire.DESCRIPTOR.services_by_name["AnalysisService"].methods
    wanted = {method.input_type.name for method in methods}
    for version in VERSIONS:
        cases = [recorded.Recorded.read(version, case) for case in recorded.cases(version)]
        assert {each.type for each in cases} == wanted


@pytest.mark.parametrize(("version", "case"), RECORDED)
def test_a_request_of_a_release_is_understood_as_it_was_then(version, case):
    request = recorded.Recorded.read(version, case)
    message = request.decoded()
    if isinstance(message, wire.CreateAnalysisJobRequest):
        submission = submission_from_wire(message, recorded.PRINCIPAL)
        assert submission == recorded.submission_of(request)
        # The digest too: a retry that an update of the server comes between is still a replay.
        assert submission.request_digest == request.understood["request_digest"]
    else:
        assert recorded.understood(message) == request.understood


@pytest.mark.parametrize(("version", "case"), RECORDED)
def test_a_request_of_a_release_is_of_its_contract(version, case):
    request = recorded.Recorded.read(version, case)
    message = ReleasedContract(version).message(request.type).FromString(request.content)
    before = message.SerializeToString(deterministic=True)
    message.DiscardUnknownFields()
    assert message.SerializeToString(deterministic=True) == before == request.content


RESPONSES: dict[str, Callable[[], Message]] = {
    "pending": lambda: job_to_wire(pending_job()),
    "succeeded": lambda: job_to_wire(succeeded_job()),
    "failed": lambda: job_to_wire(failed_job()),
    "result": lambda: result_to_wire(NAME, analysis_result()),
    "snapshot": lambda: event_to_wire(WatchEvent("t", NOW, succeeded_job())),
    "progress": lambda: event_to_wire(WatchEvent("t", NOW, Progress(update_time=NOW))),
    "heartbeat": lambda: event_to_wire(WatchEvent("t", NOW, None)),
    "page": lambda: wire.ListAnalysisJobsResponse(
        analysis_jobs=[job_to_wire(pending_job()), job_to_wire(failed_job())], next_page_token="t"
    ),
}


@pytest.mark.parametrize("case", RESPONSES)
def test_a_response_of_today_is_read_by_every_release(contract, case):
    response = RESPONSES[case]()
    known = contract.message(response.DESCRIPTOR.name).FromString(response.SerializeToString())
    assert differences(known, response) == []


async def test_a_client_of_a_release_reads_matrices_and_errors_of_today(contract):
    size = 60
    jobs = FakeJobs(
        known={NAME: succeeded_job()},
        analysis=analysis_result(size),
        matrices=result_matrices(size),
    )
    request = contract.message("ReadMatricesRequest")(name=f"{NAME}/result")
    async with served(jobs) as rpc:
        told = [each async for each in contract.call(rpc.channel, "ReadMatrices")(request)]
        info = await contract.call(rpc.channel, "GetServerInfo")(b"")
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await contract.call(rpc.channel, "GetAnalysisJob")(
                contract.message("GetAnalysisJobRequest")(name=f"{NAME}-other")
            )
    assert info.version == "1.2.3"
    assert {each.WhichOneof("part") for each in told} == {"header", "chunk", "end"}
    assert told[-1].end.size_bytes == sum(len(each.chunk.data) for each in told)
    assert missing.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_reason_keeps_its_number(contract):
    assert contract.reasons().items() <= dict(error_reason_pb2.ErrorReason.items()).items()
