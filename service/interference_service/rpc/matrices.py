"""The stream of ReadMatrices: header, chunks, header, chunks, ..., end."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from interference.v1 import analysis_result_pb2 as wire, analysis_service_pb2
from interference_service.domain.job import Job
from interference_service.domain.result import Matrix
from interference_service.errors import InvalidToken, Violation
from interference_service.jobs.service import AnalysisJobs
from interference_service.jobs.tokens import Seal
from interference_service.rpc.convert_requests import digest_without
from interference_service.rpc.convert_result import matrix_info_to_wire
from interference_service.rpc.matrix_encoding import encoded, selected
from interference_service.rpc.matrix_plan import MatrixPlan, plan_matrices
from interference_service.rpc.resource_names import job_of_result

_PURPOSE = "matrices"
_DEFAULT_CHUNK_BYTES = 262_144
_LEAST_CHUNK_BYTES = 16_384
MOST_CHUNK_BYTES = 1_048_576
"""Above it flow control costs most of the throughput."""

Response = analysis_service_pb2.ReadMatricesResponse


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Resume tokens of one request on one result: the next matrix, and the next byte of it."""

    seal: Seal
    of: str
    """What a token is bound to."""

    def at(self, index: int, offset: int) -> str:
        return self.seal.seal(_PURPOSE, {"of": self.of, "at": [index, offset]})

    def position(self, token: str) -> tuple[int, int]:
        if not token:
            return 0, 0
        payload = self.seal.open(_PURPOSE, token, "resume_token")
        if payload["of"] != self.of:
            what = "belongs to another request or result; leave it empty to start over"
            raise InvalidToken(
                f"resume_token: {what}", violations=[Violation("resume_token", what)]
            )
        index, offset = payload["at"]
        return int(index), int(offset)


async def read_matrices(
    jobs: AnalysisJobs,
    seal: Seal,
    request: analysis_service_pb2.ReadMatricesRequest,
    principal: str,
) -> AsyncGenerator[Response, None]:
    """Send what a request wants, from where its resume token points; one matrix in memory.

    Args:
        jobs: Where results are.
        seal: Seals resume tokens.
        request: What is wanted.
        principal: Who asks; a token serves nobody else.

    Yields:
        Header and chunks of every matrix, then the end.

    Raises:
        InvalidRequest: The result does not have what is wanted.
        InvalidToken: The token is of another request or result.
        NotFound: There is no such job.
        NoResult: The job did not succeed.
    """
    job, result = await jobs.result(job_of_result(request.name))
    plans = await asyncio.to_thread(plan_matrices, request, result)
    bound = f"{digest_without(request, 'resume_token')}:{job.uid}:{principal}"
    tokens = _Tokens(seal, bound)
    first, offset = tokens.position(request.resume_token)
    for index in range(first, len(plans)):
        sending = _matrix(jobs, job, plans[index], _chunk_bytes(request), offset)
        async with aclosing(sending) as parts:
            async for response, sent_bytes in parts:
                ended = sent_bytes == plans[index].size_bytes and response.HasField("chunk")
                at = (index + 1, 0) if ended else (index, sent_bytes)
                response.resume_token = tokens.at(*at)
                yield response
        offset = 0
    end = wire.MatrixStreamEnd(
        matrix_count=len(plans), size_bytes=sum(plan.size_bytes for plan in plans)
    )
    yield Response(resume_token=tokens.at(len(plans), 0), end=end)


async def _matrix(
    jobs: AnalysisJobs, job: Job, plan: MatrixPlan, chunk_bytes: int, offset: int
) -> AsyncGenerator[tuple[Response, int], None]:
    """Send one matrix from a byte on.

    Yields:
        Header and chunks, each with the bytes of the matrix that are sent with it.
    """
    header = wire.MatrixHeader(
        info=matrix_info_to_wire(plan.sent_info),
        element_type=plan.element_type,
        layout=plan.layout,
        size_bytes=plan.size_bytes,
    )
    yield Response(header=header), offset
    matrix = await asyncio.to_thread(selected, await jobs.matrix(job, plan.info.id), plan)
    size = plan.dtype.itemsize
    step = chunk_bytes // size
    for start in range(offset // size, plan.element_count, step):
        stop = min(start + step, plan.element_count)
        chunk = await asyncio.to_thread(_chunk, matrix, plan, start, stop)
        yield Response(chunk=chunk), stop * size


def _chunk(matrix: Matrix, plan: MatrixPlan, start: int, stop: int) -> wire.MatrixChunk:
    data = encoded(matrix, plan, start, stop)
    return wire.MatrixChunk(offset=start * plan.dtype.itemsize, data=data, crc32=zlib.crc32(data))


def _chunk_bytes(request: analysis_service_pb2.ReadMatricesRequest) -> int:
    wanted = request.max_chunk_bytes or _DEFAULT_CHUNK_BYTES
    return min(max(wanted, _LEAST_CHUNK_BYTES), MOST_CHUNK_BYTES)
