"""The header of a safetensors file, checked in full before a byte of a tensor is read.

A file is 8 bytes with the length of the header, the header as JSON, and the tensors' bytes one
after the other without gaps (https://github.com/huggingface/safetensors, section "Format").
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO

from interference_service.references.plain_json import parsed

MAX_HEADER_BYTES = 16 << 20
MAX_TENSORS = 20_000
MAX_NAME = 1024
MAX_RANK = 16
_LENGTH_BYTES = 8

ITEM_BYTES: Mapping[str, int] = MappingProxyType(
    {
        "BOOL": 1,
        "U8": 1,
        "I8": 1,
        "I16": 2,
        "U16": 2,
        "F16": 2,
        "BF16": 2,
        "I32": 4,
        "U32": 4,
        "F32": 4,
        "I64": 8,
        "U64": 8,
        "F64": 8,
    }
)
"""Bytes of an entry by element type; no other type is read."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where a tensor lies in a file.

    Attributes:
        dtype: A key of ``ITEM_BYTES``.
        shape: Of the tensor, row-major.
        start: Of its bytes, counted from the start of the file.
        end: Likewise, exclusive.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Damaged(ValueError):
    """What is wrong with a header, in words for a client."""


def read_header(file: BinaryIO) -> dict[str, TensorEntry]:
    """The tensors of a file by name, in the order of their bytes.

    Args:
        file: A safetensors file; its position does not matter.

    Raises:
        Damaged: It is none, or says of itself what is not true.
    """
    header, begin, size = _parsed(file)
    return _entries(header, begin, size)


def _parsed(file: BinaryIO) -> tuple[dict[str, Any], int, int]:
    """The header, and where the tensors' bytes begin and end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    _need(
        size >= _LENGTH_BYTES and length <= size - _LENGTH_BYTES,
        "is not a safetensors file, or a part of one",
    )
    _need(
        length <= MAX_HEADER_BYTES,
        f"has a header of {length} bytes; at most {MAX_HEADER_BYTES} are read",
    )
    try:
        header = parsed(file.read(length))
    except ValueError as error:
        raise Damaged(f"is not a safetensors file: its header is no JSON: {error}") from error
    _need(isinstance(header, dict), "has a header that is no JSON object")
    header.pop("__metadata__", None)
    _need(
        len(header) <= MAX_TENSORS, f"has more than {MAX_TENSORS} tensors, the most that are read"
    )
    return header, _LENGTH_BYTES + length, size


def _entries(header: Mapping[str, Any], begin: int, size: int) -> dict[str, TensorEntry]:
    found = {name: _entry(name, value, begin) for name, value in header.items()}
    ordered = dict(sorted(found.items(), key=lambda item: (item[1].start, item[1].end)))
    end = begin
    for name, entry in ordered.items():
        _need(entry.start == end, f"leaves a gap or an overlap before {name[:80]!r}")
        end = entry.end
    _need(end == size, f"has {size} bytes where its header describes {end}")
    return ordered


def _entry(name: str, value: Any, begin: int) -> TensorEntry:
    short = repr(name[:80])
    _need(0 < len(name) <= MAX_NAME, f"names a tensor with {len(name)} characters")
    _need(
        isinstance(value, dict) and value.keys() == {"dtype", "shape", "data_offsets"},
        f"describes {short} without dtype, shape and data_offsets, or with more",
    )
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    _need(
        isinstance(dtype, str) and dtype in ITEM_BYTES,
        f"holds {short} in the element type {str(dtype)[:20]!r}; {', '.join(ITEM_BYTES)} are read",
    )
    _need(_sizes(shape) and len(shape) <= MAX_RANK, f"describes {short} with a malformed shape")
    _need(_sizes(offsets) and len(offsets) == 2, f"describes {short} with malformed offsets")
    start, end = offsets
    wanted = math.prod(shape) * ITEM_BYTES[dtype]
    _need(
        end - start == wanted,
        f"describes {short} with {end - start} bytes where its shape needs {wanted}",
    )
    return TensorEntry(dtype, tuple(shape), begin + start, begin + end)


def _sizes(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(each) is int and 0 <= each < 1 << 48 for each in values
    )


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Damaged(otherwise)
