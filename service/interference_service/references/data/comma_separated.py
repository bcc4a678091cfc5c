"""Comma-separated values with a header, in UTF-8; the types of the columns follow from the request."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from interference_service.domain.inputs import ColumnsSource, Input, InputType, TensorSource
from interference_service.errors import AnalysisError, InvalidData
from interference_service.references.data.files import DataFile, FileSource, Part
from interference_service.references.data.lines import BLOCK_BYTES, LineEnds, parts
from interference_service.references.data.projection import check_names
from interference_service.references.data.source import Fragment

MAX_HEADER_BYTES = 1 << 20

_MARK = b"\xef\xbb\xbf"
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_AT = re.compile(
    r"(?:In CSV column #(?P<column>\d+): )?.*?Row #(?P<row>\d+): (?P<why>.*)", re.DOTALL
)
"""Where Arrow found what it objects to."""


class CsvSource(FileSource):
    """Rows of CSV files; the groups of a fragment are its first byte and its end."""

    kind = "CSV"
    extensions = (".csv", ".tsv")
    partitioned = True

    def _parts(self, file: DataFile) -> Iterator[Part]:
        _, start = self._header(file)
        return parts(file, start, self._ends(file, start))

    def _read(
        self, file: DataFile, fragment: Fragment, columns: Mapping[str, str]
    ) -> Iterator[pa.RecordBatch]:
        names, start = self._header(file)
        check_names(names, columns)
        types = _number_types(self._reference.inputs)
        if not all(field.startswith("data.inputs") for field in columns.values()):
            types = self._label_types(file, names, start, columns)
        first, stop = fragment.groups
        wanted = {name: types.get(name, pa.string()) for name in columns}
        rows = file.read(first, stop - first)
        try:
            table = self._table(rows, names, wanted)
        except pa.ArrowInvalid as error:
            raise _misfit(file, str(error), names, columns, fragment.first_row) from error
        yield from table.to_batches()

    def _header(self, file: DataFile) -> tuple[list[str], int]:
        """The names of the columns, and where the rows begin."""
        raw = file.read(0, min(MAX_HEADER_BYTES, file.size))
        start = len(_MARK) if raw.startswith(_MARK) else 0
        ends = self._ends(file, start)(np.frombuffer(raw[start:], np.uint8))
        if not len(ends) and file.size > MAX_HEADER_BYTES:
            raise file.refused(f"has no names of columns in a line of {MAX_HEADER_BYTES} bytes")
        end = start + int(ends[0]) if len(ends) else len(raw)
        line = file.guarded(raw[start:end].decode).strip("\r\n")
        if not line or "\x00" in line:
            raise file.damaged("it does not begin with the names of its columns")
        return file.guarded(lambda: next(csv.reader([line], delimiter=self._delimiter))), end

    def _label_types(
        self, file: DataFile, names: list[str], start: int, columns: Mapping[str, str]
    ) -> dict[str, pa.DataType]:
        """Integers where the first rows of the file have nothing else."""
        block = file.read(start, min(BLOCK_BYTES, file.size - start))
        ends = self._ends(file, start)(np.frombuffer(block, np.uint8))
        if len(ends):
            block = block[: int(ends[-1])]
        text = dict.fromkeys(columns, pa.string())
        try:
            table = self._table(block, names, text)
        except pa.ArrowInvalid:
            # Whoever reads the rows says which is damaged.
            return text
        return {
            name: pa.int64() if all(map(_is_integer, table[name].to_pylist())) else pa.string()
            for name in columns
        }

    def _table(self, rows: bytes, names: list[str], types: Mapping[str, pa.DataType]) -> pa.Table:
        text = pa.string() in types.values()
        return pacsv.read_csv(
            pa.BufferReader(rows),
            pacsv.ReadOptions(column_names=names, block_size=len(rows) + 1, use_threads=False),
            pacsv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
            pacsv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                # A class may be called NA.
                null_values=[""] if text else None,
            ),
        )

    @property
    def _delimiter(self) -> str:
        return self._reference.delimiter or ","

    def _ends(self, file: DataFile, start: int) -> "_QuotedLineEnds":
        return _QuotedLineEnds(file, start, self._delimiter)


class _QuotedLineEnds(LineEnds):
    """Ends of rows: newlines outside of quotation marks, which stand around whole values only."""

    def __init__(self, file: DataFile, start: int, delimiter: str) -> None:
        super().__init__(b"\r\n")
        self._file = file
        self._offset = start
        self._before = _NEWLINE
        self._is_quoted = False
        self._opens = np.frombuffer(delimiter.encode() + b'\r\n"', np.uint8)

    def _newlines(self, block: NDArray[np.uint8]) -> NDArray[np.int64]:
        newlines = np.flatnonzero(block == _NEWLINE)
        quotes = np.flatnonzero(block == _QUOTE)
        first = int(self._is_quoted)
        openings = quotes[first::2]
        before = np.where(openings > 0, block[openings - 1], self._before)
        stray = openings[~np.isin(before, self._opens)]
        if len(stray):
            raise self._file.damaged(
                f"a quotation mark stands within a value, at byte {self._offset + int(stray[0])}; "
                "quote the whole value and double the mark"
            )
        self._is_quoted = bool((len(quotes) + first) % 2)
        if len(block):
            self._before = int(block[-1])
        self._offset += len(block)
        is_outside = (np.searchsorted(quotes, newlines) + first) % 2 == 0
        return np.asarray(newlines[is_outside])


def _number_types(inputs: Sequence[Input]) -> dict[str, pa.DataType]:
    """Types of the columns of numbers: integers where an input wants integers."""
    types: dict[str, pa.DataType] = {}
    for each in inputs:
        if isinstance(each.source, ColumnsSource | TensorSource):
            integers = each.source.type is InputType.INT64
            for name in each.source_columns:
                if integers or name not in types:
                    types[name] = pa.int64() if integers else pa.float64()
    return types


def _is_integer(value: str | None) -> bool:
    return value is None or bool(_INTEGER.fullmatch(value))


def _misfit(
    file: DataFile, why: str, names: list[str], columns: Mapping[str, str], first_row: int
) -> AnalysisError:
    found = _AT.match(why)
    if not found:
        return file.damaged(why)
    column = names[int(found["column"])] if found["column"] else ""
    row, reason = first_row + int(found["row"]) - 1, f"does not fit: {found['why'][:200]}"
    if column not in columns:
        return file.misfit(row, reason)
    return InvalidData.at(columns[column], f"{column!r} has in row {row} what {reason}")
