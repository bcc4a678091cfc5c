"""Which columns the inputs need, and how each is read: one line per kind of input."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from interference_service.domain.inputs import (
    ColumnsSource,
    ImageSource,
    Input,
    Source,
    TensorSource,
    TokensSource,
)
from interference_service.errors import InputUnsupported, InvalidData
from interference_service.references.data.arrow import (
    bytes_column,
    filled,
    first_null,
    integer_lists,
    is_allowed,
    number_column,
    remedy,
)
from interference_service.references.data.columns import Column, Indices, Rows

Read = Callable[[pa.Array, str], Column]
"""The column of an array; the second argument is the field that names it, for errors."""

_READERS: "MappingProxyType[type[Source], tuple[str, Read]]" = MappingProxyType(
    {
        ImageSource: ("image.column", bytes_column),
        TensorSource: ("tensor.column", number_column),
        ColumnsSource: ("columns.columns", number_column),
        TokensSource: ("tokens.column", integer_lists),
    }
)
"""Field that names the columns of a kind of input, and how they are read."""


@dataclass(frozen=True, slots=True)
class Projected:
    """A column that an input needs.

    Attributes:
        field: Path of the field that names it.
        read: How it is read.
        can_fill: Whether nulls may be filled.
        fill: What takes their place.
    """

    field: str
    read: Read
    can_fill: bool = False
    fill: float | None = None


def projection(inputs: Sequence[Input]) -> dict[str, Projected]:
    """The columns that the inputs need, by name.

    Raises:
        InvalidData: Two inputs need a column in different ways.
    """
    wanted: dict[str, Projected] = {}
    for index, each in enumerate(inputs):
        source = each.source
        name, read = _READERS[type(source)]
        can_fill = isinstance(source, ColumnsSource)
        fill = source.fill if isinstance(source, ColumnsSource) else None
        for column in each.source_columns:
            new = Projected(f"data.inputs[{index}].{name}", read, can_fill, fill)
            old = wanted.setdefault(column, new)
            if (old.read, old.fill) != (new.read, new.fill):
                raise InvalidData.at(
                    new.field,
                    f"wants {column!r} otherwise than spec.{old.field} does; store it twice, or give "
                    "both the same fill",
                )
    return wanted


def project(batch: pa.RecordBatch, wanted: Mapping[str, Projected], rows: Indices) -> Rows:
    """The rows of a batch in the columns that are wanted.

    Args:
        batch: The batch.
        wanted: Its columns.
        rows: Numbers of its rows in the file, for errors. Has shape ``[n]``.

    Raises:
        InvalidData: Values of a column do not fit its input.
    """
    columns = {
        name: each.read(_without_nulls(batch.column(name), name, each, rows), each.field)
        for name, each in wanted.items()
    }
    return Rows(columns, batch.num_rows)


def _without_nulls(array: pa.Array, name: str, wanted: Projected, rows: Indices) -> pa.Array:
    if wanted.fill is not None:
        return filled(array, wanted.fill, wanted.field)
    if wanted.can_fill and array.null_count:
        row = rows[first_null(array)]
        raise InvalidData.at(
            wanted.field, f"{name!r} is null in row {row}; set fill, or leave out such rows"
        )
    return array


def check_names(names: Sequence[str], columns: Mapping[str, str]) -> None:
    """See that a file has the columns that are wanted.

    Args:
        names: Those that it has.
        columns: Those that are wanted, with the fields that name them.

    Raises:
        InvalidData: A column is missing, or there is more than one of that name.
    """
    for column, field in columns.items():
        if names.count(column) != 1:
            there = ", ".join(repr(name[:80]) for name in names[:20])
            raise InvalidData.at(field, f"is {column!r}; the columns are {there}")


def check_schema(schema: pa.Schema, columns: Mapping[str, str]) -> None:
    """See that a file has the columns that are wanted, of plain types.

    Raises:
        InputUnsupported: A column has a type that is not read.
        InvalidData: See ``check_names``.
    """
    check_names(schema.names, columns)
    for column, field in columns.items():
        kind = schema.field(column).type
        if not is_allowed(kind):
            raise InputUnsupported.at(
                field, f"{column!r} has the type {kind}, which is not read; {remedy(kind)}"
            )
