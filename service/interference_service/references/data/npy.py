"""The header of numpy's ``.npy``, which says how bytes are an array.

It is the text of a dictionary of Python. numpy evaluates it; here it is matched, and what does not
match is refused: arrays of objects, which would be unpickled, and those of several fields.
"""

import math
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np

MAX_HEADER_BYTES = 10_000
MAX_AXES = 32

_MARK = b"\x93NUMPY"
_LENGTHS = MappingProxyType({b"\x01\x00": 2, b"\x02\x00": 4})
"""Bytes of the length of the header, by version."""
_HEADER = re.compile(
    r"\{\s*'descr':\s*'(?P<descr>[<>=|]?[A-Za-z?][0-9]{0,6})',"
    r"\s*'fortran_order':\s*(?P<order>True|False),"
    r"\s*'shape':\s*\((?P<shape>(\d{1,15},\s*)*(\d{1,15})?)\),?\s*\}\s*"
)


@dataclass(frozen=True, slots=True)
class Header:
    """What an array is.

    Attributes:
        dtype: Of its elements: numbers or text.
        shape: Of the array.
        size: Bytes of the header.
    """

    dtype: "np.dtype[Any]"
    shape: tuple[int, ...]
    size: int

    @property
    def num_bytes(self) -> int:
        """Bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: BinaryIO) -> Header:
    """Read the header of an array, up to its first element.

    Raises:
        ValueError: It is none, or of an array that is not read.
    """
    mark = file.read(len(_MARK) + 2)
    if mark[: len(_MARK)] != _MARK or mark[len(_MARK) :] not in _LENGTHS:
        raise ValueError("it is no array of numpy, or of a version that is not read")
    length = int.from_bytes(file.read(_LENGTHS[mark[len(_MARK) :]]), "little")
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"its header has {length} bytes; at most {MAX_HEADER_BYTES} are read")
    found = _HEADER.fullmatch(file.read(length).decode("latin-1"))
    if not found:
        raise ValueError("its header names no plain type and shape; numbers and text are read")
    return Header(_dtype(found["descr"]), _shape(found), file.tell())


def _dtype(descr: str) -> "np.dtype[Any]":
    try:
        dtype = np.dtype(descr)
    except TypeError as error:
        raise ValueError(f"it holds {descr!r}, which numpy does not know") from error
    if dtype.kind not in "biufU" or dtype.itemsize == 0 or dtype.char == "g":
        raise ValueError(f"it holds {dtype}; numbers and text are read")
    return dtype


def _shape(found: "re.Match[str]") -> tuple[int, ...]:
    shape = tuple(int(side) for side in re.findall(r"\d+", found["shape"]))
    if found["order"] == "True" and len(shape) > 1:
        raise ValueError("it is stored by columns; save numpy.ascontiguousarray of it")
    if len(shape) > MAX_AXES:
        raise ValueError(f"it has {len(shape)} axes; at most {MAX_AXES} are read")
    return shape


def read_array(file: BinaryIO, size: int) -> "np.ndarray[Any, np.dtype[Any]]":
    """A whole array.

    Args:
        file: At its start.
        size: Its bytes with the header.

    Raises:
        ValueError: See ``read_header``; or it has another number of bytes than its header says.
    """
    header = read_header(file)
    if header.size + header.num_bytes != size:
        raise ValueError(f"its header claims {header.num_bytes} bytes in a file of {size}")
    return elements(file.read(header.num_bytes), header)


def elements(raw: bytes, header: Header) -> "np.ndarray[Any, np.dtype[Any]]":
    """Rows of an array from their bytes, in this machine's order of bytes."""
    values = np.frombuffer(raw, header.dtype).reshape(-1, *header.shape[1:])
    values = values.astype(header.dtype.newbyteorder("="), copy=False)
    return values if header.shape else values.reshape(())
