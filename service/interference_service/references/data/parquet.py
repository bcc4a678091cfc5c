"""Parquet files, read group by group and batch by batch.

Never by the dataset scanner: a file of 291 bytes made it take gigabytes. The schema is checked
against a list of types before a column is touched.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from interference_service.errors import InputUnsupported
from interference_service.references.data.arrow import is_list_of_text, is_text_or_bytes
from interference_service.references.data.files import DataFile, FileSource, Part, packed
from interference_service.references.data.projection import check_schema
from interference_service.references.data.source import Fragment
from interference_service.references.data.table import BATCH_ROWS, LABEL_FIELD, MAX_ROWS

MAX_GROUP_LABELS = 1 << 26
"""A row group that lists more labels is refused: a run of equal ones takes no bytes in the file."""


class ParquetSource(FileSource):
    """Rows of Parquet files; a group of a fragment is a row group."""

    kind = "Parquet"
    extensions = (".parquet",)
    partitioned = True

    def _parts(self, file: DataFile) -> Iterator[Part]:
        metadata = _opened(file).metadata
        groups = map(metadata.row_group, range(metadata.num_row_groups))
        return packed(
            (number, group.num_rows, group.total_byte_size) for number, group in enumerate(groups)
        )

    def _read(
        self, file: DataFile, fragment: Fragment, columns: Mapping[str, str]
    ) -> Iterator[pa.RecordBatch]:
        parquet = _opened(file)
        check_schema(file.guarded(lambda: parquet.schema_arrow), columns)
        # Group by group, as Arrow does not join the dictionaries of row groups within lists.
        for group in fragment.groups:
            for column, field in columns.items():
                if field == LABEL_FIELD:
                    _check_label_count(file, parquet, group, column)
            batches = parquet.iter_batches(
                batch_size=BATCH_ROWS, row_groups=[group], columns=list(columns), use_threads=False
            )
            while (batch := file.guarded(partial(next, batches, None))) is not None:
                yield batch


def _opened(file: DataFile) -> pq.ParquetFile:
    encoded = file.guarded(lambda: _text_paths(pa.PythonFile(file.file, mode="r")))
    file.file.seek(0)
    parquet = file.guarded(
        lambda: pq.ParquetFile(
            pa.PythonFile(file.file, mode="r"), read_dictionary=encoded, pre_buffer=False
        )
    )
    if not 0 <= parquet.metadata.num_rows < MAX_ROWS:
        raise file.refused(f"claims {parquet.metadata.num_rows} rows; at most {MAX_ROWS} are read")
    return parquet


def _text_paths(file: pa.PythonFile) -> list[str]:
    """Paths of the strings and bytes, also of those in lists.

    They stay dictionaries: a repeated string that is unfolded can be a million times larger.
    """
    schema = pq.ParquetFile(file, pre_buffer=False).schema
    arrow = schema.to_arrow_schema()
    found = [each.name for each in arrow if is_text_or_bytes(each.type)]
    lists = {each.name for each in arrow if is_list_of_text(each.type)}
    paths = (schema.column(index).path for index in range(len(schema)))
    return found + [path for path in paths if _above(path) & lists]


def _above(path: str) -> set[str]:
    """Names that a path may lie below; they may have dots themselves."""
    return {path[: dot.start()] for dot in re.finditer(r"\.", path)}


def _check_label_count(file: DataFile, parquet: pq.ParquetFile, group: int, column: str) -> None:
    row_group = file.guarded(lambda: parquet.metadata.row_group(group))
    for chunk in map(row_group.column, range(row_group.num_columns)):
        if chunk.path_in_schema.startswith(f"{column}.") and chunk.num_values > MAX_GROUP_LABELS:
            raise InputUnsupported.at(
                LABEL_FIELD,
                f"lists {chunk.num_values} labels in one row group; at most {MAX_GROUP_LABELS} are "
                "read, so write smaller row groups",
            )
