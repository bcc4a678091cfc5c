"""Matrices to a safetensors file, one after another.

The library's own writer wants all of them in memory at once; with many classes and layers they are
gigabytes. The format is the length of a header, the header in JSON, which may end in spaces, and the
bytes that it describes.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from interference_service.domain.result import Matrix

_ITEM = np.dtype("<f8")
_ALIGNMENT = 8
_ENTRY_BYTES = 160
"""Of the header for one matrix besides its name, at most: four numbers of 20 digits, and the words."""


def write_tensors(path: Path, matrices: Mapping[str, Matrix]) -> dict[str, str]:
    """Write matrices in 64 bits; no more than one of them is asked for at a time.

    Args:
        path: The file, which is overwritten.
        matrices: By id.

    Returns:
        The digest of each by id.
    """
    described: dict[str, Any] = {}
    digests: dict[str, str] = {}
    room = sum(len(json.dumps(name)) + _ENTRY_BYTES for name in matrices) + 2
    room += -room % _ALIGNMENT
    with path.open("wb") as file:
        # Shapes are known when all matrices are written, so the header is, into the room for it.
        file.seek(8 + room)
        for name in matrices:
            matrix = np.ascontiguousarray(matrices[name], dtype=_ITEM)
            start = file.tell() - 8 - room
            file.write(_bytes(matrix))
            digests[name] = tensor_digest(matrix)
            offsets = [start, start + matrix.nbytes]
            described[name] = {
                "dtype": "F64",
                "shape": list(matrix.shape),
                "data_offsets": offsets,
            }
        file.seek(0)
        file.write(room.to_bytes(8, "little") + json.dumps(described).encode().ljust(room))
    return digests


def tensor_digest(matrix: Matrix) -> str:
    """SHA-256 of a matrix in 64 bits: of its shape, and of the bytes that the file has for it."""
    digest = hashlib.sha256(json.dumps(matrix.shape).encode())
    digest.update(_bytes(np.ascontiguousarray(matrix, dtype=_ITEM)))
    return digest.hexdigest()


def _bytes(matrix: Matrix) -> bytes | memoryview:
    return matrix.tobytes() if matrix.size == 0 else matrix.data
