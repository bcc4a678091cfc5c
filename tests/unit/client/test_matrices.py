"""Matrices arrive as they are, whatever cuts their stream."""

from collections.abc import Sequence

import grpc
import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_client import Client
from interference_client._matrix_stream import MatrixAssembler
from interference_client.errors import DeadlineExceeded, StreamCut, UnknownServerError
from interference_service.rpc.convert_result import result_to_wire
from support.domain_examples import analysis_result
from support.matrix_parts import Response, end, header, parts
from support.scripted_service import job, then_fails


def assembled(responses: Sequence[Response]) -> dict[str, np.ndarray]:
    assembler = MatrixAssembler()
    return {name: matrix for each in responses for name, matrix in assembler.take(each)}


@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    cut=st.integers(0, 36),
    seed=st.integers(0, 99),
)
def test_a_dense_matrix_arrives_however_it_is_cut(rows, columns, cut, seed):
    matrix = np.random.default_rng(seed).standard_normal((rows, columns))
    head, raw = header("m", matrix)
    found = assembled([*parts(head, raw, [cut % matrix.size]), end(head)])
    np.testing.assert_array_equal(found["m"], matrix)


@pytest.mark.parametrize("kind", ["<f4", "<f8"])
def test_the_upper_triangle_stands_for_a_symmetric_matrix(kind):
    half = np.random.default_rng(0).standard_normal((5, 5))
    matrix = (half + half.T).astype(kind).astype(float)
    matrix[0, 3] = matrix[3, 0] = np.nan
    head, raw = header("m", matrix, upper=True, kind=kind)
    found = assembled([*parts(head, raw, [4]), end(head)])["m"]
    np.testing.assert_array_equal(found, matrix)
    assert found.dtype == np.float64
    assert not found.flags.writeable


def test_several_matrices_follow_each_other():
    first, second = np.eye(2), np.ones((2, 3))
    (one, ones), (other, others) = header("a", first), header("b", second)
    stream = [*parts(one, ones), *parts(other, others), end(one, other)]
    found = assembled(stream)
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["b"], second)


def test_a_damaged_chunk_is_refused():
    begin, chunk = parts(*header("m", np.eye(3)))
    chunk.chunk.crc32 ^= 1
    with pytest.raises(StreamCut, match="damaged"):
        assembled([begin, chunk])


@pytest.mark.parametrize("heads", [0, 2])
def test_an_end_that_speaks_of_other_matrices_is_none(heads):
    head, raw = header("m", np.eye(3))
    assembler = MatrixAssembler()
    for each in parts(head, raw):
        list(assembler.take(each))
    with pytest.raises(StreamCut, match="1 matrices of 72 bytes came"):
        list(assembler.take(end(*[head] * heads)))
    assert not assembler.ended


def test_an_end_within_a_matrix_is_none():
    head, raw = header("m", np.eye(3))
    begin, first, _ = parts(head, raw, [4])
    assembler = MatrixAssembler()
    for each in (begin, first):
        list(assembler.take(each))
    with pytest.raises(StreamCut, match="0 matrices of 32 bytes came of 1 of 72"):
        list(assembler.take(end(head)))


def test_a_missing_chunk_is_refused():
    begin, _, second = parts(*header("m", np.eye(3)), [2])
    with pytest.raises(StreamCut, match="missing"):
        assembled([begin, second])


@pytest.fixture
def result(service, client):
    """A result whose matrices are scripted."""
    wire = result_to_wire("projects/default/analysisJobs/nightly", analysis_result())
    service.script("GetAnalysisJob", job("SUCCEEDED"))
    service.script("GetAnalysisResult", wire)
    return client.job("nightly").result()


@pytest.mark.parametrize("received", range(5))
def test_a_stream_cut_anywhere_goes_on_and_gives_the_same_bytes(service, result, received):
    matrix = np.random.default_rng(1).standard_normal((3, 3))
    head, raw = header("shared/cosine", matrix)
    whole = [*parts(head, raw, [2, 5]), end(head)]
    again = whole[received:]
    if 0 < received < 4:
        again = [whole[0], *again]  # the header comes again within a matrix
    service.script("ReadMatrices", then_fails(whole[:received], grpc.StatusCode.UNAVAILABLE), again)
    np.testing.assert_array_equal(result.matrix("shared/cosine"), matrix)
    requests = service.requests("ReadMatrices")
    last = whole[received - 1].resume_token if received else ""
    assert [each.resume_token for each in requests] == ["", last]
    assert all(list(each.matrix_ids) == ["shared/cosine"] for each in requests)


def test_a_damaged_stream_is_read_again_from_what_was_checked(service, result):
    head, raw = header("shared/cosine", np.eye(3))
    whole = [*parts(head, raw, [4]), end(head)]
    damaged = Response.FromString(whole[2].SerializeToString())
    damaged.chunk.data = bytes(len(damaged.chunk.data) - 1) + b"\x01"
    service.script("ReadMatrices", [*whole[:2], damaged], [whole[0], *whole[2:]])
    np.testing.assert_array_equal(result.matrix("shared/cosine"), np.eye(3))


@pytest.mark.parametrize("parts_before", [0, 1])
def test_a_stream_that_never_gets_further_is_given_up(service, target, parts_before):
    wire = result_to_wire("projects/default/analysisJobs/nightly", analysis_result())
    service.script("GetAnalysisJob", job("SUCCEEDED"))
    service.script("GetAnalysisResult", wire)
    whole = [*parts(*header("shared/cosine", np.eye(3)))]
    whole[1].chunk.crc32 ^= 1
    service.script("ReadMatrices", whole[: 1 + parts_before])
    with Client(target, patience=0.3) as client:
        result = client.job("nightly").result()
        with pytest.raises(StreamCut):
            result.matrix("shared/cosine")


def test_reading_ends_at_its_timeout(service, result):
    service.script("ReadMatrices", [])
    with pytest.raises(DeadlineExceeded, match="not within the time given"):
        result.matrix("shared/cosine", timeout=0.3)


def test_a_later_contract_is_told_at_once(service, result):
    service.script("ReadMatrices", [Response(resume_token="t")])
    with pytest.raises(UnknownServerError, match="update this client"):
        result.matrix("shared/cosine")
    assert len(service.requests("ReadMatrices")) == 1


def test_elements_of_an_unknown_type_are_told_at_once():
    head, raw = header("m", np.eye(3))
    head.element_type = 99
    with pytest.raises(UnknownServerError, match="update this client"):
        assembled([*parts(head, raw)])


def test_a_matrix_is_read_once_and_kept(service, result):
    head, raw = header("shared/cosine", np.eye(3))
    service.script("ReadMatrices", [*parts(head, raw), end(head)])
    assert result.conflict() is result.matrix("shared/cosine")
    assert len(service.requests("ReadMatrices")) == 1


def test_a_matrix_that_is_not_there_is_named(result):
    with pytest.raises(KeyError, match="layers/none"):
        result.layer_metric("none")


def test_an_end_before_the_end_is_not_the_end(service, result):
    head, raw = header("shared/cosine", np.eye(3))
    whole = [*parts(head, raw), end(head)]
    service.script("ReadMatrices", whole[:1], whole)
    assert dict(result.matrices(["shared/cosine"])).keys() == {"shared/cosine"}
