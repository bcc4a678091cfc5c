"""A client of every release does its work with the service of today."""

import grpc
import numpy as np
import pytest

from interference_client import Client
from interference_service.demo.server import Running
from support.recorded import Recorded
from support.released import VERSIONS, ReleasedContract


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_of_a_release_submits_waits_and_reads(service: Running, version: str):
    contract = ReleasedContract(version)
    submission = Recorded.read(version, "create").content
    with grpc.insecure_channel(service.grpc) as channel:

        def call(method: str, request):
            return contract.call(channel, method)(request, timeout=100)

        def about(method: str, name: str):
            return contract.message(f"{method}Request")(name=name)

        job = call("CreateAnalysisJob", submission)
        assert call("CreateAnalysisJob", submission).uid == job.uid
        told = list(call("WatchAnalysisJob", about("WatchAnalysisJob", job.name)))
        assert told[0].HasField("snapshot")
        last = told[-1].snapshot
        assert last.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number[
            last.state
        ].name == ("SUCCEEDED")
        name = f"{job.name}/result"
        result = call("GetAnalysisResult", about("GetAnalysisResult", name))
        assert [each.id for each in result.classes] == ["0", "1", "2", "3"]
        request = about("ReadMatrices", name)
        request.matrix_ids.append("shared/cosine")
        request.layout = 1  # MATRIX_LAYOUT_DENSE
        parts = list(call("ReadMatrices", request))
        assert parts[-1].HasField("end")
        found = np.frombuffer(b"".join(part.chunk.data for part in parts), "<f4").reshape(4, 4)
        page = call(
            "ListAnalysisJobs",
            contract.message("ListAnalysisJobsRequest")(
                parent="projects/default", filter="state = SUCCEEDED", order_by="end_time desc"
            ),
        )
        assert job.name in [each.name for each in page.analysis_jobs]
    with Client(service.grpc) as today:
        read = today.job(job.name).result().conflict("shared")
    np.testing.assert_array_equal(found, read.astype(np.float32))
