"""Matrices over a real socket: bit-identical, whatever is selected and wherever it resumes."""

import weakref
import zlib

import grpc
import numpy as np
import pytest

from interference.v1 import analysis_result_pb2 as result_pb2, analysis_service_pb2 as wire
from interference_service.jobs.tokens import Seal
from support.domain_examples import (
    CLASSES,
    NAME,
    analysis_result,
    pending_job,
    result_matrices,
    succeeded_job,
)
from support.rpc_fakes import FakeJobs, details_of, fields_of, served
from support.waiting import until

SIZE = 120
"""Large enough for several of the smallest chunks."""
MATRICES = result_matrices(SIZE)
DTYPES = {
    result_pb2.ELEMENT_TYPE_UNSPECIFIED: "<f4",
    result_pb2.ELEMENT_TYPE_FLOAT32: "<f4",
    result_pb2.ELEMENT_TYPE_FLOAT64: "<f8",
    result_pb2.ELEMENT_TYPE_FLOAT16: "<f2",
}


def succeeded(**changes) -> FakeJobs:
    return FakeJobs(
        known={NAME: succeeded_job()}, analysis=analysis_result(SIZE), matrices=MATRICES, **changes
    )


def request(**changes) -> wire.ReadMatricesRequest:
    return wire.ReadMatricesRequest(name=f"{NAME}/result", **changes)


async def read(rpc, message) -> list[wire.ReadMatricesResponse]:
    return [response async for response in rpc.stub.ReadMatrices(message)]


async def refused(rpc, message) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read(rpc, message)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return caught.value


def assemble(responses) -> dict[str, tuple[result_pb2.MatrixHeader, bytes]]:
    """The matrices as a client puts them together, checking everything that it can check."""
    found: dict[str, tuple[result_pb2.MatrixHeader, bytes]] = {}
    matrix_id = ""
    for response in responses:
        assert response.resume_token
        if response.HasField("header"):
            matrix_id = response.header.info.id
            found.setdefault(matrix_id, (response.header, b""))
            assert found[matrix_id][0] == response.header
        elif response.HasField("chunk"):
            header, data = found[matrix_id]
            chunk = response.chunk
            assert chunk.offset == len(data)
            assert chunk.crc32 == zlib.crc32(chunk.data)
            found[matrix_id] = header, data + chunk.data
    end = responses[-1].end
    assert responses[-1].HasField("end")
    assert end.matrix_count == len(found)
    assert end.size_bytes == sum(len(data) for _, data in found.values())
    for header, data in found.values():
        assert len(data) == header.size_bytes
    return found


def expected_bytes(matrix, dtype: str, *, upper: bool) -> bytes:
    elements = matrix[np.triu_indices(len(matrix))] if upper else matrix.reshape(-1)
    with np.errstate(over="ignore"):
        return elements.astype(dtype).tobytes()


@pytest.mark.parametrize("element_type", DTYPES)
@pytest.mark.parametrize(
    "layout", [result_pb2.MATRIX_LAYOUT_UNSPECIFIED, result_pb2.MATRIX_LAYOUT_DENSE]
)
async def test_every_matrix_arrives_as_it_is(element_type, layout):
    async with served(succeeded()) as rpc:
        responses = await read(rpc, request(element_type=element_type, layout=layout))
    found = assemble(responses)

    assert list(found) == list(MATRICES)
    for matrix_id, (header, data) in found.items():
        symmetric = header.info.symmetric
        upper = symmetric and layout != result_pb2.MATRIX_LAYOUT_DENSE
        assert (header.layout == result_pb2.MATRIX_LAYOUT_UPPER) is upper
        assert header.element_type == (element_type or result_pb2.ELEMENT_TYPE_FLOAT32)
        assert data == expected_bytes(MATRICES[matrix_id], DTYPES[element_type], upper=upper)


@pytest.mark.parametrize(
    ("asked", "given"), [(0, 262_144), (1, 16_384), (-5, 16_384), (20_001, 20_000), (1 << 30, None)]
)
async def test_chunks_are_of_whole_elements_and_of_the_size_asked_for(asked, given):
    big = 400
    jobs = FakeJobs(
        known={NAME: succeeded_job()}, analysis=analysis_result(big), matrices=result_matrices(big)
    )
    wanted = request(
        matrix_ids=["shared/suppression"],
        element_type=result_pb2.ELEMENT_TYPE_FLOAT64,
        max_chunk_bytes=asked,
    )
    async with served(jobs) as rpc:
        responses = await read(rpc, wanted)
    assemble(responses)
    sizes = [len(each.chunk.data) for each in responses if each.HasField("chunk")]
    assert set(sizes[:-1]) == {given or 1_048_576}
    assert sizes[-1] <= sizes[0]


async def test_matrices_come_in_the_order_asked_for():
    wanted = ["shared/gram", "layers/descent_rate", "shared/cosine"]
    async with served(succeeded()) as rpc:
        found = assemble(await read(rpc, request(matrix_ids=wanted)))
    assert list(found) == wanted


async def test_classes_select_rows_and_columns_in_their_order_but_no_layers():
    picked = [2, 0, 77]
    ids = [CLASSES[2], CLASSES[0], "class-77"]
    async with served(succeeded()) as rpc:
        found = assemble(
            await read(rpc, request(class_ids=ids, element_type=result_pb2.ELEMENT_TYPE_FLOAT64))
        )
    for matrix_id, (header, data) in found.items():
        layers = matrix_id.startswith("layers/")
        rows = range(2) if layers else picked
        corner = MATRICES[matrix_id][np.ix_(rows, picked)]
        assert (header.info.row_count, header.info.column_count) == corner.shape
        upper = header.layout == result_pb2.MATRIX_LAYOUT_UPPER
        assert upper is header.info.symmetric
        assert data == expected_bytes(corner, "<f8", upper=upper)


async def test_a_stream_resumes_after_every_response_with_the_same_bytes():
    wanted = request(max_chunk_bytes=16_384, matrix_ids=["shared/suppression", "shared/cosine"])
    async with served(succeeded()) as rpc:
        whole = await read(rpc, wanted)
        assert len(whole) > 6
        for count in range(1, len(whole) + 1):
            wanted.resume_token = whole[count - 1].resume_token
            rest = await read(rpc, wanted)
            assert assemble(whole[:count] + rest) == assemble(whole)
            left = [each.chunk for each in whole[count:] if each.HasField("chunk")]
            assert [each.chunk for each in rest if each.HasField("chunk")] == left


async def test_a_resumed_stream_reads_no_matrix_that_was_sent_already():
    jobs = succeeded()
    wanted = request(matrix_ids=["shared/suppression", "shared/cosine"])
    async with served(jobs) as rpc:
        whole = await read(rpc, wanted)
        second = next(i for i, each in enumerate(whole) if i and each.HasField("header"))
        jobs.asked.clear()
        wanted.resume_token = whole[second - 1].resume_token
        rest = await read(rpc, wanted)
    assert jobs.asked == [NAME, (NAME, "shared/cosine")]
    assert [each.SerializeToString() for each in rest] == [
        each.SerializeToString() for each in whole[second:]
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda message: message.matrix_ids.append("shared/cosine"),
        lambda message: message.class_ids.append(CLASSES[0]),
        lambda message: setattr(message, "element_type", result_pb2.ELEMENT_TYPE_FLOAT64),
        lambda message: setattr(message, "layout", result_pb2.MATRIX_LAYOUT_DENSE),
        lambda message: setattr(message, "max_chunk_bytes", 20_000),
        lambda message: setattr(message, "resume_token", message.resume_token[:-2] + "AA"),
        lambda message: setattr(message, "resume_token", "x"),
        lambda message: setattr(
            message, "resume_token", Seal(b"k" * 32).seal("page", {"of": "", "at": [0, 0]})
        ),
    ],
)
async def test_a_token_serves_the_request_that_it_was_given_for_and_no_other(change):
    async with served(succeeded()) as rpc:
        message = request(matrix_ids=["shared/suppression"])
        message.resume_token = (await read(rpc, message))[1].resume_token
        change(message)
        error = await refused(rpc, message)
    assert details_of(error)["ErrorInfo"].reason == "INVALID_TOKEN"
    assert fields_of(error) == ["resume_token"]


async def test_a_token_does_not_serve_another_job_of_the_same_name():
    jobs = succeeded()
    async with served(jobs) as rpc:
        message = request()
        message.resume_token = (await read(rpc, message))[0].resume_token
        jobs.known[NAME] = succeeded_job(uid="another")
        error = await refused(rpc, message)
    assert fields_of(error) == ["resume_token"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"matrix_ids": ["shared/gram", "shared/none"]}, ["matrix_ids[1]"]),
        ({"matrix_ids": ["shared/gram", "shared/gram"]}, ["matrix_ids[1]"]),
        ({"matrix_ids": ["none"] * 150_000}, [f"matrix_ids[{i}]" for i in range(20)]),
        ({"class_ids": ["nobody", CLASSES[0], CLASSES[0]]}, ["class_ids[0]", "class_ids[2]"]),
        ({"element_type": 9, "layout": 7}, ["element_type", "layout"]),
        ({"layout": result_pb2.MATRIX_LAYOUT_UPPER}, ["layout"]),
    ],
)
async def test_a_request_that_cannot_be_served_is_refused_before_a_matrix_is_read(changes, fields):
    jobs = succeeded()
    async with served(jobs) as rpc:
        error = await refused(rpc, request(**changes))
    assert fields_of(error) == fields
    assert jobs.asked == [NAME]


async def test_the_upper_triangle_of_symmetric_matrices_may_be_asked_for():
    wanted = request(
        matrix_ids=["shared/gram", "shared/cosine"], layout=result_pb2.MATRIX_LAYOUT_UPPER
    )
    async with served(succeeded()) as rpc:
        found = assemble(await read(rpc, wanted))
    assert all(header.layout == wanted.layout for header, _ in found.values())


async def test_a_number_too_large_for_its_type_becomes_infinite():
    matrices = {**MATRICES, "shared/suppression": np.full((SIZE, SIZE), -1e6)}
    jobs = FakeJobs(
        known={NAME: succeeded_job()}, analysis=analysis_result(SIZE), matrices=matrices
    )
    wanted = request(
        matrix_ids=["shared/suppression"], element_type=result_pb2.ELEMENT_TYPE_FLOAT16
    )
    async with served(jobs) as rpc:
        found = assemble(await read(rpc, wanted))
    assert set(np.frombuffer(found["shared/suppression"][1], "<f2")) == {-np.inf}


async def test_one_matrix_at_a_time_is_held_in_memory():
    held: list[weakref.ref] = []

    class CountingJobs(FakeJobs):
        async def matrix(self, job, matrix_id):
            # A thread lets go of what it worked on a moment after the result is known.
            await until(lambda: not any(each() is not None for each in held))
            matrix = MATRICES[matrix_id].copy()
            held.append(weakref.ref(matrix))
            return matrix

    jobs = CountingJobs(known={NAME: succeeded_job()}, analysis=analysis_result(SIZE))
    async with served(jobs) as rpc:
        await read(rpc, request())
    assert len(held) == len(MATRICES)


async def test_a_result_without_matrices_is_an_end_alone():
    analysis = analysis_result(SIZE).model_copy(update={"matrices": ()})
    jobs = FakeJobs(known={NAME: succeeded_job()}, analysis=analysis)
    async with served(jobs) as rpc:
        (response,) = await read(rpc, request())
    assert response.end == result_pb2.MatrixStreamEnd()
    assert response.HasField("end")


async def test_there_are_no_matrices_of_a_job_that_did_not_succeed():
    async with served(FakeJobs(known={NAME: pending_job()})) as rpc:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await read(rpc, request())
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
