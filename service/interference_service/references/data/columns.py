"""Rows as they are stored: encoded bytes and numbers, in numpy arrays that cross processes cheaply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Numbers. Has shape ``[n]`` or ``[n, width]``."""

    values: NDArray[np.generic]

    def take(self, rows: Indices) -> "NumberColumn":
        """The rows asked for, in that order."""
        return NumberColumn(self.values[rows])


@dataclass(frozen=True, slots=True)
class BytesColumn:
    """Strings of bytes, one after the other.

    Attributes:
        data: All bytes. Has shape ``[total]``.
        ends: Where each row ends in ``data``. Has shape ``[n]``.
    """

    data: NDArray[np.uint8]
    ends: Indices

    @classmethod
    def of(cls, values: Sequence[bytes]) -> "BytesColumn":
        """The column of these values."""
        ends = np.cumsum([len(value) for value in values], dtype=np.int64)
        return cls(np.frombuffer(b"".join(values), dtype=np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def value(self, row: int) -> bytes:
        """The bytes of one row."""
        start = int(self.ends[row - 1]) if row else 0
        return self.data[start : int(self.ends[row])].tobytes()

    def take(self, rows: Indices) -> "BytesColumn":
        """The rows asked for, in that order."""
        return BytesColumn.of([self.value(int(row)) for row in rows])


@dataclass(frozen=True, slots=True)
class RaggedColumn:
    """Lists of integers of any length, one after the other.

    Attributes:
        values: All integers. Has shape ``[total]``.
        ends: Where each row ends in ``values``. Has shape ``[n]``.
    """

    values: Indices
    ends: Indices

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> "RaggedColumn":
        """The column of these lists."""
        ends = np.cumsum([len(each) for each in lists], dtype=np.int64)
        values = [value for each in lists for value in each]
        return cls(np.array(values, dtype=np.int64), ends)

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def sizes(self) -> Indices:
        """How many integers each row has. Has shape ``[n]``."""
        return np.diff(self.ends, prepend=0)

    def take(self, rows: Indices) -> "RaggedColumn":
        """The rows asked for, in that order."""
        sizes = self.sizes[rows]
        ends = np.cumsum(sizes, dtype=np.int64)
        # Every value's place: that of its row's first one here, and how far it is behind that one.
        moved = np.repeat(self.ends[rows] - ends, sizes)
        return RaggedColumn(self.values[np.arange(len(moved)) + moved], ends)


Column: TypeAlias = NumberColumn | BytesColumn | RaggedColumn


@dataclass(frozen=True, slots=True)
class LabelLists:
    """Any number of labels for every row of a batch.

    Attributes:
        first_row: Position of the batch's first row in its fragment.
        labels: Labels of all rows, one row after the other, as ``DataSource.read_column`` has
            them. Has shape ``[total]``.
        sizes: How many each row has. Has shape ``[n]``.
    """

    first_row: int
    labels: NDArray[np.generic]
    sizes: Indices

    def take(self, rows: Indices) -> "LabelLists":
        """The lists of rows of the batch, ascending. Indices have shape ``[m]``."""
        kept = np.zeros(len(self.sizes), dtype=bool)
        kept[rows] = True
        return LabelLists(
            self.first_row, self.labels[np.repeat(kept, self.sizes)], self.sizes[rows]
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of equal length, by name."""

    columns: Mapping[str, Column]
    count: int

    def take(self, rows: Indices) -> "Rows":
        """The rows asked for, in that order. Indices have shape ``[m]``."""
        return Rows({name: each.take(rows) for name, each in self.columns.items()}, len(rows))

    @classmethod
    def concatenate(cls, parts: Sequence["Rows"]) -> "Rows":
        """All rows of the parts, in order; the parts have the same columns."""
        if len(parts) == 1:
            return parts[0]
        columns = {name: _join([part.columns[name] for part in parts]) for name in parts[0].columns}
        return cls(columns, sum(part.count for part in parts))


def _join(columns: Sequence[Column]) -> Column:
    numbers = [each.values for each in columns if isinstance(each, NumberColumn)]
    if numbers:
        return NumberColumn(np.concatenate(numbers))
    ragged = [each for each in columns if isinstance(each, RaggedColumn)]
    if ragged:
        values = [each.values for each in ragged]
        return RaggedColumn(np.concatenate(values), _joined_ends(values, ragged))
    encoded = [each for each in columns if isinstance(each, BytesColumn)]
    data = [each.data for each in encoded]
    return BytesColumn(np.concatenate(data), _joined_ends(data, encoded))


def _joined_ends(
    held: "Sequence[NDArray[np.generic]]", columns: "Sequence[BytesColumn | RaggedColumn]"
) -> Indices:
    starts = np.cumsum([0, *(len(each) for each in held[:-1])])
    return np.concatenate([each.ends + start for each, start in zip(columns, starts, strict=True)])
