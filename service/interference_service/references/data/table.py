"""What the formats have in common: fragments of tables that are read as Arrow's batches."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interference_service.domain.specification import DataReference
from interference_service.errors import InputUnavailable, InputUnsupported, InvalidData
from interference_service.references.data.arrow import class_values, label_lists, refuse_lists
from interference_service.references.data.columns import Indices, LabelLists, Rows
from interference_service.references.data.projection import project, projection
from interference_service.references.data.source import Fragment
from interference_service.references.stores import Stores, digest
from interference_service.references.stores.store import Entry

FRAGMENT_ROWS = 8192
"""A fragment takes parts of a file until it has this many rows,"""
FRAGMENT_BYTES = 32 << 20
"""or this many bytes."""
BATCH_ROWS = 1024
MAX_BATCH_BYTES = 1 << 30
"""A batch that unfolds to more is refused."""
MAX_ROWS = 1 << 40
LABEL_FIELD = "data.label_column"


class TableSource(ABC):
    """Rows of any format; see ``DataSource``.

    Attributes:
        kind: The format as errors call it.
        extensions: Endings of the files of a directory that are read, in small letters.
    """

    kind: ClassVar[str]
    extensions: ClassVar[tuple[str, ...]]

    def __init__(self, reference: DataReference, stores: Stores) -> None:
        self._reference = reference
        self._stores = stores

    def fragments(self) -> tuple[Fragment, ...]:
        """See ``DataSource.fragments``."""
        tables = range(len(self._reference.uris))
        return tuple(chain.from_iterable(self._fragments_of(table) for table in tables))

    @abstractmethod
    def _fragments_of(self, table: int) -> Iterator[Fragment]:
        """The fragments of the table with this number, in order."""

    @abstractmethod
    def _batches(self, fragment: Fragment, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
        """The rows of a fragment in order, in batches of any size.

        Args:
            fragment: The fragment.
            columns: Names of the columns that the batches must have, with the fields that name
                them.
        """

    def digest(self) -> str:
        """See ``DataSource.digest``."""
        digests = [self._digest_of(table) for table in range(len(self._reference.uris))]
        found = digests[0] if len(digests) == 1 else _sha256(" ".join(digests))
        wanted = self._reference.digest
        if wanted and found != wanted:
            raise InputUnavailable.at(
                "data.digest",
                f"is {wanted}, but {self._reference.uris[0]!r} has {found}; it was changed after it "
                "was named",
            )
        return found

    def _digest_of(self, table: int) -> str:
        lines = []
        for entry in self._files(table):
            uri, field = self._reference.uris[table], f"data.uris[{table}]"
            with self._stores.open(uri, field, entry.version, listed=entry.path) as file:
                found = digest(file)
            if not entry.path:
                return found
            lines.append(f"{found.removeprefix('sha256:')}  {entry.path}\n")
        return _sha256("".join(lines))

    def _files(self, table: int) -> tuple[Entry, ...]:
        """The files of a table in order; their paths are empty or below the directory.

        Raises:
            InputUnavailable: A directory has none.
        """
        uri, field = self._reference.uris[table], f"data.uris[{table}]"
        if not uri.endswith("/"):
            return (self._stores.entry(uri, field),)
        files = tuple(
            entry
            for entry in self._stores.entries(uri, field)
            if entry.path.lower().endswith(self.extensions)
        )
        if not files:
            wanted = " or ".join(f"*{each}" for each in self.extensions)
            raise InputUnavailable.at(field, f"has no {wanted} below {uri!r}")
        return files

    def _name_of(self, table: int) -> str:
        """See ``Fragment.source``."""
        uri = self._reference.uris[table]
        name = uri.removesuffix("/").rpartition("/")[2]
        if not uri.endswith("/"):
            name = name.rpartition(".")[0] or name
        return f"{table}:{name}"

    def read_column(self, fragment: Fragment, column: str) -> NDArray[np.generic]:
        """See ``DataSource.read_column``."""
        field = "data.group_column" if column == self._reference.group_column else LABEL_FIELD
        parts: list[NDArray[np.generic]] = []
        first = fragment.first_row
        for batch in self._bounded(fragment, {column: field}):
            array = batch.column(column)
            refuse_lists(array.type, field)
            values = class_values(array, field, first)
            if parts and parts[0].dtype != values.dtype:
                raise InvalidData.at(
                    field,
                    f"holds both integers and strings, the other kind from row {first} on; it must "
                    "hold one of them",
                )
            parts.append(values)
            first += batch.num_rows
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def constant(self, fragment: Fragment, column: str) -> int | str | None:  # noqa: ARG002
        """See ``DataSource.constant``."""
        return None

    def read_label_lists(self, fragment: Fragment) -> Iterator[LabelLists]:
        """See ``DataSource.read_label_lists``.

        Yields:
            The lists of a batch.
        """
        column = self._reference.label_column
        first = 0
        for batch in self._bounded(fragment, {column: LABEL_FIELD}):
            yield label_lists(batch.column(column), LABEL_FIELD, first, fragment.first_row + first)
            first += batch.num_rows

    def read_rows(self, fragment: Fragment, rows: Indices) -> Rows:
        """See ``DataSource.read_rows``."""
        wanted = projection(self._reference.inputs)
        parts = []
        first = 0
        for batch in self._bounded(fragment, {name: each.field for name, each in wanted.items()}):
            mine = rows[(rows >= first) & (rows < first + batch.num_rows)] - first
            if len(mine):
                taken = batch.take(pa.array(mine))
                parts.append(project(taken, wanted, mine + first + fragment.first_row))
            first += batch.num_rows
        return Rows.concatenate(parts)

    def _bounded(self, fragment: Fragment, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
        """The rows of a fragment in batches of bounded size.

        Yields:
            A batch.
        """
        field = f"data.uris[{fragment.file}]"
        left = fragment.num_rows
        for large in self._batches(fragment, columns):
            left -= large.num_rows
            for start in range(0, large.num_rows, BATCH_ROWS):
                batch = large.slice(start, BATCH_ROWS)
                if batch.nbytes > MAX_BATCH_BYTES:
                    raise InputUnsupported.at(
                        field, f"unfolds {BATCH_ROWS} rows to more than {MAX_BATCH_BYTES >> 20} MiB"
                    )
                yield batch
        if left:
            where = f" in {fragment.path!r}" * bool(fragment.path)
            raise InputUnavailable.at(
                field,
                f"has {fragment.num_rows - left} rows from row {fragment.first_row} on{where} where "
                f"{fragment.num_rows} are due; the file is damaged",
            )


def _sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
