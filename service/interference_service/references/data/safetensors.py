"""safetensors: the header is checked in full, then any rows of an array are read alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np

from interference_service.references.data.arrays import ArraysSource, StoredArray, Window
from interference_service.references.data.files import DataFile
from interference_service.references.safetensors import TensorEntry, read_header

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
    return {name: _array(file, entry) for name, entry in read_header(file.file).items()}


def _array(file: DataFile, entry: TensorEntry) -> StoredArray:
    return StoredArray(
        _DTYPES[entry.dtype],
        entry.shape,
        lambda offset: Window(file, entry.start + offset),
        is_bfloat16=entry.dtype == _BFLOAT16,
    )
