"""Streams of ReadMatrices, as the service cuts them."""

import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from interference.v1 import analysis_result_pb2 as result_pb2, analysis_service_pb2 as service_pb2

Response = service_pb2.ReadMatricesResponse


def header(matrix_id: str, matrix: np.ndarray, *, upper: bool = False, kind: str = "<f8"):
    rows, columns = matrix.shape
    stored = matrix[np.triu_indices(rows)] if upper else matrix.ravel()
    raw = stored.astype(kind).tobytes()
    names = {"<f2": "FLOAT16", "<f4": "FLOAT32", "<f8": "FLOAT64"}
    head = result_pb2.MatrixHeader(
        info=result_pb2.MatrixInfo(id=matrix_id, row_count=rows, column_count=columns),
        element_type=f"ELEMENT_TYPE_{names[kind]}",
        layout="MATRIX_LAYOUT_UPPER" if upper else "MATRIX_LAYOUT_DENSE",
        size_bytes=len(raw),
    )
    return head, raw


def parts(
    head: result_pb2.MatrixHeader, raw: bytes, cuts: Sequence[int] = ()
) -> Iterator[Response]:
    """Header and chunks, cut at these elements."""
    width = 8 if head.element_type == result_pb2.ELEMENT_TYPE_FLOAT64 else 4
    at = [0, *(cut * width for cut in cuts), len(raw)]
    yield Response(header=head, resume_token=f"{head.info.id}:0")
    for start, stop in pairwise(at):
        piece = raw[start:stop]
        chunk = result_pb2.MatrixChunk(offset=start, data=piece, crc32=zlib.crc32(piece))
        yield Response(chunk=chunk, resume_token=f"{head.info.id}:{stop}")


def end(*heads: result_pb2.MatrixHeader) -> Response:
    """The end of a stream of these matrices."""
    size_bytes = sum(head.size_bytes for head in heads)
    return Response(end=result_pb2.MatrixStreamEnd(matrix_count=len(heads), size_bytes=size_bytes))
