"""The header of numpy's ``.npy``, which says how bytes are an array; nothing is unpickled."""

import math
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

MAX_HEADER_BYTES = 10_000
MAX_AXES = 32


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
    version = npy.read_magic(file)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version} of the format is not read")
    shape, is_fortran, dtype = readers[version](file, max_header_size=MAX_HEADER_BYTES)
    if dtype.hasobject or dtype.kind not in "biufU" or dtype.itemsize == 0 or dtype.char == "g":
        raise ValueError(f"it holds {dtype}; numbers and text are read")
    if is_fortran and len(shape) > 1:
        raise ValueError("it is stored by columns; save numpy.ascontiguousarray of it")
    if len(shape) > MAX_AXES or any(side < 0 for side in shape):
        raise ValueError(f"it has the shape {shape}")
    return Header(dtype, shape, file.tell())


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
