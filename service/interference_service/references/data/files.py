"""Formats whose rows lie in files: opening, directories and their partitions, and damage."""

import os
import re
import struct
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, TypeVar
from urllib.parse import unquote

import pyarrow as pa

from interference_service.errors import InputUnavailable, InputUnsupported, InvalidData
from interference_service.references.data import table as tables
from interference_service.references.data.arrow import class_values
from interference_service.references.data.source import Fragment
from interference_service.references.data.table import LABEL_FIELD, TableSource

_PARTITION = re.compile(r"([^=]+)=(.+)")
_NULL = "__HIVE_DEFAULT_PARTITION__"
_DIGITS = re.compile(r"-?[0-9]{1,18}")
_DAMAGES = (
    pa.ArrowException,
    OSError,
    ValueError,
    EOFError,
    NotImplementedError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged file raises."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class DataFile:
    """An open file of rows.

    Attributes:
        file: At its start.
        size: In bytes.
        field: Path of the field that names it, for errors.
        path: Below the directory that was named, or empty; for errors.
        kind: Of the format; for errors.
    """

    file: BinaryIO
    size: int
    field: str
    path: str
    kind: str

    def read(self, start: int, size: int) -> bytes:
        """Bytes of the file, all of them.

        Raises:
            InputUnavailable: It ends before.
        """
        if start + size > self.size:
            raise self.damaged("it ends too early")
        self.file.seek(start)
        found = self.file.read(size)
        if len(found) != size:
            raise self.damaged("it ends too early")
        return found

    def damaged(self, why: object) -> InputUnavailable:
        """The error for a file that is no file of its format."""
        text = (str(why).splitlines() or [""])[0][:200]
        return InputUnavailable.at(self.field, f"{self._name}cannot be read as {self.kind}: {text}")

    def refused(self, why: str) -> InputUnsupported:
        """The error for a file that is not read; ``why`` says what would be."""
        return InputUnsupported.at(self.field, self._name + why)

    def misfit(self, row: int, why: str) -> InvalidData:
        """The error for a row that is no row of its format."""
        return InvalidData.at(self.field, f"{self._name}has in row {row} what {why}")

    def guarded(self, read: Callable[[], _T]) -> _T:
        """What ``read`` returns.

        Raises:
            InputUnavailable: It does not; whatever a library objects to is a damaged file.
        """
        try:
            return read()
        except _DAMAGES as error:
            raise self.damaged(error) from error

    @property
    def _name(self) -> str:
        return f"{self.path!r} " if self.path else ""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a file that are read together; see ``Fragment``."""

    groups: tuple[int, ...]
    num_rows: int


class FileSource(TableSource):
    """Rows in files of one format, or in directories of them.

    Attributes:
        partitioned: Whether directories called ``column=value`` add a column, of integers or
            strings as Hive and Arrow escape them, which goes before one of that name in the file.
    """

    partitioned: ClassVar[bool] = False

    @abstractmethod
    def _parts(self, file: DataFile) -> Iterator[Part]:
        """All rows of a file in order, in parts as large as a fragment; memory is bounded."""

    @abstractmethod
    def _read(
        self, file: DataFile, fragment: Fragment, columns: Mapping[str, str]
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a fragment; see ``TableSource._batches``."""

    def _fragments_of(self, table: int) -> Iterator[Fragment]:
        source = self._name_of(table)
        first = 0
        for entry in self._files(table):
            with self._open(table, entry.path, entry.version) as file:
                for part in self._parts(file):
                    yield Fragment(
                        table,
                        source,
                        part.groups,
                        first,
                        part.num_rows,
                        entry.version,
                        entry.path,
                    )
                    first += part.num_rows

    def _batches(self, fragment: Fragment, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
        constants = self._constants(fragment)
        stored = {name: field for name, field in columns.items() if name not in constants}
        added = {name: constants[name] for name in columns if name in constants}
        with self._open(fragment.file, fragment.path, fragment.version) as file:
            if not stored:
                for start in range(0, fragment.num_rows, tables.FRAGMENT_ROWS):
                    rows = min(tables.FRAGMENT_ROWS, fragment.num_rows - start)
                    yield _with_constants(None, rows, added)
                return
            for batch in self._read(file, fragment, stored):
                yield _with_constants(batch, batch.num_rows, added) if added else batch

    def constant(self, fragment: Fragment, column: str) -> int | str | None:
        """See ``DataSource.constant``."""
        found = self._constants(fragment).get(column)
        if found is None:
            return None
        (value,) = class_values(pa.repeat(found, 1), LABEL_FIELD, fragment.first_row).tolist()
        return value if isinstance(value, int) else str(value)

    def _constants(self, fragment: Fragment) -> dict[str, pa.Scalar]:
        directories = fragment.path.split("/")[:-1] if self.partitioned else []
        pairs = [each.groups() for each in map(_PARTITION.fullmatch, directories) if each]
        try:
            return {unquote(name, errors="strict"): _constant(value) for name, value in pairs}
        except UnicodeDecodeError as error:
            raise InvalidData.at(
                f"data.uris[{fragment.file}]",
                f"has {fragment.path!r}, whose escaped partition is not UTF-8; write it as UTF-8",
            ) from error

    @contextmanager
    def _open(self, table: int, path: str, version: str) -> Iterator[DataFile]:
        """A file of a table, in the version that is due.

        Yields:
            The file.
        """
        field = f"data.uris[{table}]"
        uri = self._reference.uris[table]
        with self._stores.open(uri, field, version, listed=path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            yield DataFile(file, size, field, path, self.kind)


def packed(sizes: Iterable[tuple[int, int, int]]) -> Iterator[Part]:
    """Gather parts of a file into parts as large as a fragment.

    Args:
        sizes: Number, rows and bytes of every part, in order.

    Yields:
        The gathered parts, one after the other.
    """
    groups: list[int] = []
    rows = total = 0
    for group, more_rows, more_bytes in sizes:
        full = rows + more_rows > tables.FRAGMENT_ROWS or total + more_bytes > tables.FRAGMENT_BYTES
        if groups and full:
            yield Part(tuple(groups), rows)
            groups, rows, total = [], 0, 0
        groups.append(group)
        rows += more_rows
        total += more_bytes
    if groups:
        yield Part(tuple(groups), rows)


def _constant(value: str) -> pa.Scalar:
    if value == _NULL:
        return pa.scalar(None, pa.string())
    text = unquote(value, errors="strict")
    return pa.scalar(int(text) if _DIGITS.fullmatch(text) else text)


def _with_constants(
    batch: pa.RecordBatch | None, rows: int, constants: Mapping[str, pa.Scalar]
) -> pa.RecordBatch:
    names = list(constants) + (list(batch.schema.names) if batch is not None else [])
    arrays = [pa.repeat(value, rows) for value in constants.values()]
    return pa.RecordBatch.from_arrays(arrays + (batch.columns if batch is not None else []), names)
