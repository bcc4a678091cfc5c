"""What every data format offers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interference_service.references.data.columns import Indices, LabelLists, Rows


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of the data that one task reads.

    The rows of a URI are one table whatever its format and its partition: those of a file, or of
    all files of a directory in order. A table is known by the number of its URI and the last
    component of it without its extension, so that the same rows are sampled alike as ``rows.csv``,
    as ``rows.parquet`` and as shards or images in ``rows/``.

    Attributes:
        file: Number of its URI among those of the reference.
        source: Name under which the rows of its table are known.
        groups: Parts of the file, as its format numbers them: row groups, batches, offsets.
        first_row: Number of its first row in the table.
        num_rows: Its rows.
        version: Of the file; another one is not read.
        path: Of the file below the directory that the URI names; empty: the URI is the file.
    """

    file: int
    source: str
    groups: tuple[int, ...]
    first_row: int
    num_rows: int
    version: str = ""
    path: str = ""


class DataSource(Protocol):
    """Labelled rows in fragments; the same rows in the same order every time."""

    def fragments(self) -> tuple[Fragment, ...]:
        """All parts, in order."""

    def digest(self) -> str:
        """``sha256:…`` of the file, or of the digests of all files in order.

        That of a directory is of its files' digests and paths, as ``sha256sum`` prints them.
        """

    def read_column(self, fragment: Fragment, column: str) -> NDArray[np.generic]:
        """Labels or groups of a fragment: 64-bit integers, or strings as objects. ``[num_rows]``.

        Raises:
            InvalidData: The column is missing, or holds nulls or what cannot be a class.
        """

    def constant(self, fragment: Fragment, column: str) -> int | str | None:
        """What a column holds in all rows of a fragment, where its path says so; None: unknown.

        Raises:
            InvalidData: That is a null, or cannot be a class.
        """

    def read_label_lists(self, fragment: Fragment) -> Iterator[LabelLists]:
        """The label column of a fragment that has lists of labels, a batch of rows at a time.

        Raises:
            InputUnsupported: There are more labels than memory is for.
            InvalidData: The column is missing, or holds nulls or what are no lists of classes.
        """

    def read_rows(self, fragment: Fragment, rows: Indices) -> Rows:
        """The columns that the inputs need, of some rows of a fragment.

        Args:
            fragment: The fragment.
            rows: Positions in it, ascending. Has shape ``[n]``.

        Raises:
            InvalidData: A column is missing, or its values do not fit its input.
        """
