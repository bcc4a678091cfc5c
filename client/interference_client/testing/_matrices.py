"""The stream of ReadMatrices: header, chunks, header, chunks, ..., end."""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from interference.v1 import analysis_result_pb2 as result_pb2, analysis_service_pb2 as service_pb2
from interference_client._matrix_stream import Matrix
from interference_client.testing._refusals import unfit
from interference_client.testing._results import matrix_info

_TYPES = {
    result_pb2.ELEMENT_TYPE_UNSPECIFIED: "<f4",
    result_pb2.ELEMENT_TYPE_FLOAT32: "<f4",
    result_pb2.ELEMENT_TYPE_FLOAT64: "<f8",
    result_pb2.ELEMENT_TYPE_FLOAT16: "<f2",
}
_LAYOUTS = set(result_pb2.MatrixLayout.values())
_DEFAULT_CHUNK_BYTES, _LEAST_CHUNK_BYTES, _MOST_CHUNK_BYTES = 262_144, 16_384, 1_048_576

Response = service_pb2.ReadMatricesResponse


def read_matrices(
    request: service_pb2.ReadMatricesRequest,
    matrices: Mapping[str, Matrix],
    classes: Sequence[str],
) -> Iterator[Response]:
    """What a request wants, from where its resume token points.

    Yields:
        Header and chunks of every matrix, then the end.

    Raises:
        Refusal: The result does not have what is wanted, or the token is of another request.
    """
    _check(request, matrices, classes)
    rows = [classes.index(each) for each in request.class_ids]
    wanted = [
        (name, _selected(name, matrices[name], rows)) for name in request.matrix_ids or matrices
    ]
    first, offset = _position(request)
    total = 0
    for index, (name, matrix) in enumerate(wanted):
        header, raw = _encoded(name, matrix, request)
        total += len(raw)
        if index < first:
            continue
        yield Response(header=header, resume_token=_token(request, index, offset))
        step = min(
            max(request.max_chunk_bytes or _DEFAULT_CHUNK_BYTES, _LEAST_CHUNK_BYTES),
            _MOST_CHUNK_BYTES,
        )
        step -= step % 8
        for start in range(offset, len(raw), step):
            data = raw[start : start + step]
            ended = start + len(data) == len(raw)
            at = (index + 1, 0) if ended else (index, start + len(data))
            chunk = result_pb2.MatrixChunk(offset=start, data=data, crc32=zlib.crc32(data))
            yield Response(chunk=chunk, resume_token=_token(request, *at))
        offset = 0
    end = result_pb2.MatrixStreamEnd(matrix_count=len(wanted), size_bytes=total)
    yield Response(end=end, resume_token=_token(request, len(wanted), 0))


def _check(
    request: service_pb2.ReadMatricesRequest,
    matrices: Mapping[str, Matrix],
    classes: Sequence[str],
) -> None:
    violations = {}
    known: Sequence[tuple[str, Sequence[str], Sequence[str]]] = (
        ("matrix_ids", request.matrix_ids, list(matrices)),
        ("class_ids", request.class_ids, classes),
    )
    for field, ids, allowed in known:
        for index, each in enumerate(ids):
            if each not in allowed:
                violations[f"{field}[{index}]"] = f"is {each[:80]!r}; the result has no such one"
            elif each in ids[:index]:
                violations[f"{field}[{index}]"] = f"is {each[:80]!r} again; name each once"
    if request.element_type not in _TYPES:
        violations["element_type"] = f"is {request.element_type}"
    if request.layout not in _LAYOUTS:
        violations["layout"] = f"is {request.layout}"
    if violations:
        raise unfit(violations)


def _selected(name: str, matrix: Matrix, chosen: Sequence[int]) -> Matrix:
    if not chosen:
        return matrix
    columns = matrix[:, chosen]
    return columns if name.startswith("layers/") else columns[chosen]


def _encoded(
    name: str, matrix: Matrix, request: service_pb2.ReadMatricesRequest
) -> tuple[result_pb2.MatrixHeader, bytes]:
    info = matrix_info(name, matrix)
    upper = info.symmetric and request.layout != result_pb2.MATRIX_LAYOUT_DENSE
    if request.layout == result_pb2.MATRIX_LAYOUT_UPPER and not upper:
        raise unfit({"layout": f"is MATRIX_LAYOUT_UPPER, but {name!r} is not symmetric"})
    elements = matrix[np.triu_indices(len(matrix))] if upper else matrix.reshape(-1)
    raw = elements.astype(_TYPES[request.element_type]).tobytes()
    header = result_pb2.MatrixHeader(
        info=info,
        element_type=request.element_type or result_pb2.ELEMENT_TYPE_FLOAT32,
        layout="MATRIX_LAYOUT_UPPER" if upper else "MATRIX_LAYOUT_DENSE",
        size_bytes=len(raw),
    )
    return header, raw


def _bound_to(request: service_pb2.ReadMatricesRequest) -> int:
    bare = service_pb2.ReadMatricesRequest()
    bare.CopyFrom(request)
    bare.ClearField("resume_token")
    return zlib.crc32(bare.SerializeToString(deterministic=True))


def _token(request: service_pb2.ReadMatricesRequest, index: int, offset: int) -> str:
    payload = json.dumps([_bound_to(request), index, offset])
    return base64.urlsafe_b64encode(payload.encode()).decode()


def _position(request: service_pb2.ReadMatricesRequest) -> tuple[int, int]:
    if not request.resume_token:
        return 0, 0
    try:
        bound, index, offset = json.loads(base64.urlsafe_b64decode(request.resume_token))
    except ValueError:
        bound, index, offset = -1, 0, 0
    if bound != _bound_to(request):
        raise unfit({"resume_token": "belongs to another request or result"}, "INVALID_TOKEN")
    return int(index), int(offset)
