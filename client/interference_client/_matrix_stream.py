"""Matrices from the parts of a stream; pure, so that both clients share it."""

import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from interference.v1 import (
    analysis_result_pb2 as result_pb2,
    analysis_service_pb2 as service_pb2,
)
from interference_client.errors import StreamCut, UnknownServerError

Matrix = NDArray[np.float64]
_TYPES: dict[int, str] = {
    result_pb2.ELEMENT_TYPE_FLOAT16: "<f2",
    result_pb2.ELEMENT_TYPE_FLOAT32: "<f4",
    result_pb2.ELEMENT_TYPE_FLOAT64: "<f8",
}


class MatrixAssembler:
    """Puts headers and chunks together; survives a stream that is resumed within a matrix.

    Attributes:
        received: Bytes that were checked, in all.
        resume_token: Where to go on; moves only past what was checked.
        ended: Whether the end was announced.
    """

    def __init__(self) -> None:
        self.resume_token = ""
        self.ended = False
        self.received = 0
        self._matrices = 0
        self._header: result_pb2.MatrixHeader | None = None
        self._bytes = bytearray()

    def take(self, response: service_pb2.ReadMatricesResponse) -> Iterator[tuple[str, Matrix]]:
        """Take in one response.

        Yields:
            A matrix that is now complete, with its id. Has shape ``[rows, columns]``.

        Raises:
            StreamCut: Bytes are damaged or missing, or matrices as a whole.
            UnknownServerError: The service speaks a later contract.
        """
        match response.WhichOneof("part"):
            case "header":
                self._begin(response.header)
            case "chunk":
                self._append(response.chunk)
            case "end":
                self._end(response.end)
            case part:
                raise UnknownServerError(f"{part} in a stream of matrices; update this client")
        self.resume_token = response.resume_token
        header = self._header
        if header is not None and len(self._bytes) == header.size_bytes:
            yield header.info.id, _matrix(header, bytes(self._bytes))
            self._header = None
            self._matrices += 1

    def _begin(self, header: result_pb2.MatrixHeader) -> None:
        same = self._header is not None and self._header.info.id == header.info.id
        if not same:
            self._bytes = bytearray()
        self._header = header

    def _append(self, chunk: result_pb2.MatrixChunk) -> None:
        if self._header is None or chunk.offset != len(self._bytes):
            raise StreamCut("a piece of a matrix is missing")
        if zlib.crc32(chunk.data) != chunk.crc32:
            raise StreamCut("a piece of a matrix is damaged")
        self._bytes += chunk.data
        self.received += len(chunk.data)

    def _end(self, end: result_pb2.MatrixStreamEnd) -> None:
        sent, found = (end.matrix_count, end.size_bytes), (self._matrices, self.received)
        if sent != found:
            raise StreamCut(
                f"{found[0]} matrices of {found[1]} bytes came of {sent[0]} of {sent[1]} bytes"
            )
        self.ended = True


def _matrix(header: result_pb2.MatrixHeader, raw: bytes) -> Matrix:
    """The elements as a dense read-only array in 64 bits."""
    if header.element_type not in _TYPES:
        raise UnknownServerError(f"elements of type {header.element_type}; update this client")
    stored: Matrix = np.frombuffer(raw, np.dtype(_TYPES[header.element_type]))
    elements = stored.astype(np.float64)
    rows, columns = header.info.row_count, header.info.column_count
    if header.layout == result_pb2.MATRIX_LAYOUT_UPPER:
        matrix = np.empty((rows, columns))
        upper = np.triu_indices(rows)
        matrix[upper] = elements
        matrix.T[upper] = elements
    else:
        matrix = elements.reshape(rows, columns)
    matrix.flags.writeable = False
    return matrix
