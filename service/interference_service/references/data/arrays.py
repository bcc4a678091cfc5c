"""Formats of named arrays, in which the rows are the first axis; any range of rows is read alone."""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from interference_service.errors import InvalidData
from interference_service.references.data import table as tables
from interference_service.references.data.files import DataFile, FileSource, Part
from interference_service.references.data.projection import check_names, projection
from interference_service.references.data.source import Fragment

Array = np.ndarray[Any, np.dtype[Any]]


class Stream(Protocol):
    """Bytes one after the other."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; fewer only at the end."""


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array of a file.

    Attributes:
        dtype: Of its elements as they are stored.
        shape: Rows first.
        open: Its elements from a byte on.
        is_bfloat16: Whether its elements of 16 bits are the upper halves of 32.
    """

    dtype: "np.dtype[Any]"
    shape: tuple[int, ...]
    open: Callable[[int], Stream]
    is_bfloat16: bool = False

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.dtype.itemsize * math.prod(self.shape[1:])

    def rows(self, raw: bytes) -> pa.Array:
        """Rows from their bytes: numbers or text, or lists of them.

        Raises:
            ValueError: It is not text what stands for it.
        """
        values: Array = np.frombuffer(raw, self.dtype)
        values = values.astype(self.dtype.newbyteorder("="), copy=False)
        if self.is_bfloat16:
            values = (values.astype(np.uint32) << 16).view(np.float32)
        flat = (
            pa.array(values.tolist(), pa.string()) if self.dtype.kind == "U" else pa.array(values)
        )
        if len(self.shape) == 1:
            return flat
        return pa.FixedSizeListArray.from_arrays(flat, math.prod(self.shape[1:]))


@dataclass(slots=True)
class Window:
    """The bytes of a file from a place on; see ``Stream``."""

    file: DataFile
    place: int

    def read(self, size: int, /) -> bytes:
        """See ``Stream.read``."""
        found = self.file.read(self.place, size)
        self.place += size
        return found


class ArraysSource(FileSource):
    """Rows of arrays; the groups of a fragment are the numbers of its first row and its end."""

    @abstractmethod
    def _arrays(self, file: DataFile) -> AbstractContextManager[Mapping[str, StoredArray]]:
        """The arrays of a file by name, which are all there: their sizes were checked."""

    def _parts(self, file: DataFile) -> Iterator[Part]:
        label = self._reference.label_column
        names = {label, *projection(self._reference.inputs)}
        with self._arrays(file) as arrays:
            check_arrays(arrays, {label: tables.LABEL_FIELD})
            total = arrays[label].shape[0]
            row_bytes = sum(arrays[name].row_bytes for name in names if name in arrays)
        step = min(tables.FRAGMENT_ROWS, max(1, tables.FRAGMENT_BYTES // max(1, row_bytes)))
        for first in range(0, total, step):
            stop = min(first + step, total)
            yield Part((first, stop), stop - first)

    def _read(
        self, file: DataFile, fragment: Fragment, columns: Mapping[str, str]
    ) -> Iterator[pa.RecordBatch]:
        first, stop = fragment.groups
        with self._arrays(file) as stored:
            check_arrays(stored, columns)
            arrays = {name: stored[name] for name in columns}
            if self._reference.label_column in stored:
                _check_lengths(arrays, stored[self._reference.label_column].shape[0], columns)
            row_bytes = sum(each.row_bytes for each in arrays.values())
            if row_bytes > tables.MAX_BATCH_BYTES:
                raise file.refused(
                    f"has rows of {row_bytes} bytes; at most {tables.MAX_BATCH_BYTES} are read"
                )
            step = min(tables.BATCH_ROWS, tables.MAX_BATCH_BYTES // row_bytes)
            streams = file.guarded(
                lambda: {name: each.open(first * each.row_bytes) for name, each in arrays.items()}
            )
            for start in range(first, stop, step):
                rows = min(step, stop - start)
                yield file.guarded(partial(_batch, arrays, streams, rows))


def _batch(
    arrays: Mapping[str, StoredArray], streams: Mapping[str, Stream], rows: int
) -> pa.RecordBatch:
    read = {
        name: each.rows(streams[name].read(rows * each.row_bytes)) for name, each in arrays.items()
    }
    return pa.RecordBatch.from_pydict(read)


def check_arrays(arrays: Mapping[str, StoredArray], columns: Mapping[str, str]) -> None:
    """See that the arrays that are wanted are there and have rows.

    Raises:
        InvalidData: One is missing, is a single number, or has rows of nothing.
    """
    check_names(list(arrays), columns)
    for name, field in columns.items():
        shape = arrays[name].shape
        if not shape or 0 in shape[1:]:
            raise InvalidData.at(
                field, f"{name!r} has the shape {list(shape)}; rows are its first axis"
            )


def _check_lengths(
    arrays: Mapping[str, StoredArray], rows: int, columns: Mapping[str, str]
) -> None:
    for name, each in arrays.items():
        if each.shape[0] != rows:
            raise InvalidData.at(
                columns[name], f"{name!r} has {each.shape[0]} rows where the labels have {rows}"
            )
