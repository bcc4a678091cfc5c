"""Parquet files, read group by group and batch by batch.

Never by the dataset scanner: a file of 291 bytes made it take gigabytes. The schema is checked
against a list of types before a column is touched.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interference_service.domain.specification import DataReference
from interference_service.errors import InputUnavailable, InputUnsupported, InvalidData
from interference_service.references.data.arrow import (
    class_values,
    is_allowed,
    is_list_of_text,
    is_text_or_bytes,
    label_lists,
    refuse_lists,
)
from interference_service.references.data.columns import Indices, LabelLists, Rows
from interference_service.references.data.projection import project, projection
from interference_service.references.data.source import Fragment
from interference_service.references.stores import Stores, open_verified

FRAGMENT_ROWS = 8192
"""A fragment takes row groups until it has this many rows,"""
FRAGMENT_BYTES = 32 << 20
"""or this many bytes before compression, as the file says."""
BATCH_ROWS = 1024
MAX_BATCH_BYTES = 1 << 30
"""A batch that unfolds to more is refused."""
MAX_GROUP_LABELS = 1 << 26
"""A row group that lists more labels is refused: a run of equal ones takes no bytes in the file."""
MAX_ROWS = 1 << 40

_T = TypeVar("_T")


class ParquetSource:
    """Rows of Parquet files; see ``DataSource``."""

    def __init__(self, reference: DataReference, stores: Stores) -> None:
        self._reference = reference
        self._stores = stores

    def fragments(self) -> tuple[Fragment, ...]:
        """See ``DataSource.fragments``."""
        return tuple(
            fragment
            for index in range(len(self._reference.uris))
            for fragment in self._fragments_of(index)
        )

    def _fragments_of(self, file: int) -> Iterator[Fragment]:
        with self._open(file) as parquet:
            metadata = parquet.metadata
            sizes = [
                (group.num_rows, group.total_byte_size)
                for group in map(metadata.row_group, range(metadata.num_row_groups))
            ]
        source = f"{file}:{self._reference.uris[file].rpartition('/')[2]}"
        groups: list[int] = []
        first = rows = total = 0
        for group, (size, size_bytes) in enumerate(sizes):
            full = rows + size > FRAGMENT_ROWS or total + size_bytes > FRAGMENT_BYTES
            if groups and full:
                yield Fragment(file, source, tuple(groups), first, rows)
                first, rows, total, groups = first + rows, 0, 0, []
            groups.append(group)
            rows += size
            total += size_bytes
        if groups:
            yield Fragment(file, source, tuple(groups), first, rows)

    def digest(self) -> str:
        """See ``DataSource.digest``."""
        digests = []
        for index, uri in enumerate(self._reference.uris):
            wanted = self._reference.digest
            file, found = open_verified(self._stores, uri, wanted, f"data.uris[{index}]")
            file.close()
            digests.append(found)
        if len(digests) == 1:
            return digests[0]
        return f"sha256:{hashlib.sha256(' '.join(digests).encode()).hexdigest()}"

    def read_column(self, fragment: Fragment, column: str) -> NDArray[np.generic]:
        """See ``DataSource.read_column``."""
        field = (
            "data.group_column" if column == self._reference.group_column else "data.label_column"
        )
        with self._open(fragment.file) as parquet:
            self._check_column(parquet, column, field)
            # Arrow joins no lists of row groups, and would say so in words of its own.
            refuse_lists(parquet.schema_arrow.field(column).type, field)
            parts = []
            first = fragment.first_row
            for batch in self._batches(parquet, fragment, [column]):
                parts.append(class_values(batch.column(0), field, first))
                first += batch.num_rows
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def read_label_lists(self, fragment: Fragment) -> Iterator[LabelLists]:
        """See ``DataSource.read_label_lists``.

        Yields:
            The lists of a batch.
        """
        column, field = self._reference.label_column, "data.label_column"
        with self._open(fragment.file) as parquet:
            self._check_column(parquet, column, field)
            _check_label_count(parquet, fragment, column, field)
            first = 0
            # Arrow does not join the dictionaries of row groups within lists.
            for group in fragment.groups:
                part = replace(fragment, groups=(group,))
                for batch in self._batches(parquet, part, [column]):
                    yield label_lists(batch.column(0), field, first, fragment.first_row + first)
                    first += batch.num_rows

    def read_rows(self, fragment: Fragment, rows: Indices) -> Rows:
        """See ``DataSource.read_rows``."""
        wanted = projection(self._reference.inputs)
        with self._open(fragment.file) as parquet:
            for column, each in wanted.items():
                self._check_column(parquet, column, each.field)
            parts = []
            first = 0
            for batch in self._batches(parquet, fragment, list(wanted)):
                mine = rows[(rows >= first) & (rows < first + batch.num_rows)] - first
                if len(mine):
                    parts.append(project(batch.take(pa.array(mine)), wanted))
                first += batch.num_rows
        return Rows.concatenate(parts)

    def _batches(
        self, parquet: pq.ParquetFile, fragment: Fragment, columns: list[str]
    ) -> Iterator[pa.RecordBatch]:
        field = f"data.uris[{fragment.file}]"
        batches = parquet.iter_batches(
            batch_size=BATCH_ROWS,
            row_groups=list(fragment.groups),
            columns=columns,
            use_threads=False,
        )
        while True:
            batch = _guarded(lambda: next(batches, None), field)
            if batch is None:
                return
            if batch.nbytes > MAX_BATCH_BYTES:
                raise InputUnsupported.at(
                    field, f"unfolds {BATCH_ROWS} rows to more than {MAX_BATCH_BYTES >> 20} MiB"
                )
            yield batch

    @contextmanager
    def _open(self, file: int) -> Iterator[pq.ParquetFile]:
        field = f"data.uris[{file}]"
        with self._stores.open(self._reference.uris[file], field) as opened:
            encoded = _guarded(lambda: _text_paths(pa.PythonFile(opened, mode="r")), field)
            opened.seek(0)
            parquet = _guarded(
                lambda: pq.ParquetFile(
                    pa.PythonFile(opened, mode="r"), read_dictionary=encoded, pre_buffer=False
                ),
                field,
            )
            if not 0 <= parquet.metadata.num_rows < MAX_ROWS:
                raise InputUnsupported.at(field, f"claims {parquet.metadata.num_rows} rows")
            yield parquet

    def _check_column(self, parquet: pq.ParquetFile, column: str, field: str) -> None:
        schema = _guarded(lambda: parquet.schema_arrow, field)
        if schema.names.count(column) != 1:
            there = ", ".join(repr(name) for name in schema.names[:50])
            raise InvalidData.at(field, f"is {column!r}; the columns are {there}")
        kind = schema.field(column).type
        if not is_allowed(kind):
            raise InputUnsupported.at(
                field, f"{column!r} has the type {kind}, which is not read; store plain values"
            )


def _text_paths(file: pa.PythonFile) -> list[str]:
    """Paths of the strings and bytes, also of those in lists.

    They stay dictionaries: a repeated string that is unfolded can be a million times larger.
    """
    schema = pq.ParquetFile(file, pre_buffer=False).schema
    arrow = schema.to_arrow_schema()
    found = [each.name for each in arrow if is_text_or_bytes(each.type)]
    lists = tuple(f"{each.name}." for each in arrow if is_list_of_text(each.type))
    paths = (schema.column(index).path for index in range(len(schema)))
    return found + [path for path in paths if path.startswith(lists)]


def _check_label_count(
    parquet: pq.ParquetFile, fragment: Fragment, column: str, field: str
) -> None:
    for group in map(parquet.metadata.row_group, fragment.groups):
        for chunk in map(group.column, range(group.num_columns)):
            if (
                chunk.path_in_schema.startswith(f"{column}.")
                and chunk.num_values > MAX_GROUP_LABELS
            ):
                raise InputUnsupported.at(
                    field,
                    f"lists {chunk.num_values} labels in one row group; at most "
                    f"{MAX_GROUP_LABELS} are read, so write smaller row groups",
                )


def _guarded(read: Callable[[], _T], field: str) -> _T:
    """What ``read`` returns; whatever Arrow objects to is a damaged file."""
    try:
        return read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputUnavailable.at(
            field, f"cannot be read as Parquet: {str(error).splitlines()[0][:200]}"
        ) from error
