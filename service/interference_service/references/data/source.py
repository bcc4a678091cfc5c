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

    Attributes:
        file: Number of its file among those of the reference.
        source: Name under which its rows are known, whatever the path and the partition.
        groups: Parts of the file, as its format numbers them: row groups, batches, offsets.
        first_row: Number of its first row in the file.
        num_rows: Its rows.
        version: Of the file; another one is not read.
    """

    file: int
    source: str
    groups: tuple[int, ...]
    first_row: int
    num_rows: int
    version: str = ""


class DataSource(Protocol):
    """Labelled rows in fragments; the same rows in the same order every time."""

    def fragments(self) -> tuple[Fragment, ...]:
        """All parts, in order."""

    def digest(self) -> str:
        """``sha256:…`` of the file, or of the digests of all files in order."""

    def read_column(self, fragment: Fragment, column: str) -> NDArray[np.generic]:
        """Labels or groups of a fragment: 64-bit integers, or strings as objects. ``[num_rows]``.

        Raises:
            InvalidData: The column is missing, or holds nulls or what cannot be a class.
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
