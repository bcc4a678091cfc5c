"""One JSON object a line, read line by line: what is wanted of each, and nothing else kept."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from interference_service.references.data import table as tables
from interference_service.references.data.files import DataFile, FileSource, Part
from interference_service.references.data.lines import LineEnds, parts
from interference_service.references.data.source import Fragment
from interference_service.references.data.values import batch_of
from interference_service.references.plain_json import parsed

MAX_BATCH_BYTES = 8 << 20
"""A batch of rows ends beyond; their values take many times as much."""

_BLANK = b"\n\r\t "


class JsonLinesSource(FileSource):
    """Rows of JSONL files; the groups of a fragment are its first byte and its end."""

    kind = "JSONL"
    extensions = (".jsonl", ".ndjson")
    partitioned = True

    def _parts(self, file: DataFile) -> Iterator[Part]:
        return parts(file, 0, LineEnds(_BLANK))

    def _read(
        self, file: DataFile, fragment: Fragment, columns: Mapping[str, str]
    ) -> Iterator[pa.RecordBatch]:
        first, stop = fragment.groups
        lines = (line for line in file.read(first, stop - first).split(b"\n") if line.strip(_BLANK))
        rows: list[dict[str, Any]] = []
        start, size = fragment.first_row, 0
        for line in lines:
            row = _row(file, line, start + len(rows))
            rows.append({name: row[name] if name in columns else None for name in row})
            size += len(line)
            if len(rows) == tables.BATCH_ROWS or size > MAX_BATCH_BYTES:
                yield batch_of(rows, columns, start)
                start, size, rows = start + len(rows), 0, []
        if rows:
            yield batch_of(rows, columns, start)


def _row(file: DataFile, line: bytes, number: int) -> dict[str, Any]:
    try:
        row = parsed(line)
    except ValueError as error:
        raise file.misfit(number, f"is no JSON object: {str(error)[:200]}") from error
    if not isinstance(row, dict):
        raise file.misfit(number, f"is no JSON object but a {type(row).__name__}")
    return row
