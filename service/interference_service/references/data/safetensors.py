"""safetensors: a header in JSON and the bytes of arrays, read by our own code, which checks the bounds."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np

from interference_service.references.data.arrays import ArraysSource, StoredArray, Window
from interference_service.references.data.files import DataFile
from interference_service.references.data.json_lines import unique

MAX_HEADER_BYTES = 16 << 20
MAX_ARRAYS = 10_000
MAX_AXES = 32

_METADATA = "__metadata__"
_BFLOAT16 = "BF16"
_DTYPES: "MappingProxyType[str, np.dtype[Any]]" = MappingProxyType(
    {
        name: np.dtype(code)
        for name, code in (
            ("BOOL", "?"),
            ("U8", "u1"),
            ("I8", "i1"),
            ("U16", "<u2"),
            ("I16", "<i2"),
            ("U32", "<u4"),
            ("I32", "<i4"),
            ("U64", "<u8"),
            ("I64", "<i8"),
            ("F16", "<f2"),
            (_BFLOAT16, "<u2"),
            ("F32", "<f4"),
            ("F64", "<f8"),
        )
    }
)


class SafetensorsSource(ArraysSource):
    """Rows of the arrays of safetensors files."""

    kind = "safetensors"
    extensions = (".safetensors",)

    @contextmanager
    def _arrays(self, file: DataFile) -> Iterator[Mapping[str, StoredArray]]:
        """See ``ArraysSource``.

        Yields:
            The arrays.
        """
        yield file.guarded(lambda: _stored(file))


def _stored(file: DataFile) -> dict[str, StoredArray]:
    length = int.from_bytes(file.read(0, 8), "little")
    if length > MAX_HEADER_BYTES:
        raise file.refused(f"has a header of {length} bytes; at most {MAX_HEADER_BYTES} are read")
    try:
        header = json.loads(file.read(8, length).decode(), object_pairs_hook=unique)
    except RecursionError as error:
        raise file.damaged("its header is nested too deeply") from error
    if not isinstance(header, dict) or len(header) > MAX_ARRAYS + 1:
        raise file.refused(f"has no header of at most {MAX_ARRAYS} arrays")
    header.pop(_METADATA, None)
    start = 8 + length
    ranges = sorted(_range(name, each, file.size - start) for name, each in header.items())
    if [0, *(stop for _, stop in ranges)] != [*(first for first, _ in ranges), file.size - start]:
        raise file.damaged("its arrays overlap, leave holes or end too early")
    return {name: _array(file, start, each) for name, each in header.items()}


def _range(name: str, entry: Any, size: int) -> tuple[int, int]:
    """First byte and end of an array, of as many bytes as its shape takes.

    Raises:
        ValueError: They are not.
    """
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name[:80]!r} is not described by dtype, shape and data_offsets")
    if entry["dtype"] not in _DTYPES:
        raise ValueError(f"{name[:80]!r} holds {str(entry['dtype'])[:20]!r}, which is not read")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not _are_sizes(shape, size) or not _are_sizes(offsets, size) or len(offsets) != 2:
        raise ValueError(f"{name[:80]!r} has a shape or offsets that are no sizes")
    if offsets[1] - offsets[0] != math.prod(shape) * _DTYPES[entry["dtype"]].itemsize:
        raise ValueError(f"{name[:80]!r} has other bytes than its shape takes")
    return offsets[0], offsets[1]


def _are_sizes(values: Any, largest: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= MAX_AXES
        and all(type(each) is int and 0 <= each <= max(largest, 1 << 40) for each in values)
    )


def _array(file: DataFile, start: int, entry: Mapping[str, Any]) -> StoredArray:
    begin = start + entry["data_offsets"][0]
    return StoredArray(
        _DTYPES[entry["dtype"]],
        tuple(entry["shape"]),
        lambda offset: Window(file, begin + offset),
        is_bfloat16=entry["dtype"] == _BFLOAT16,
    )
