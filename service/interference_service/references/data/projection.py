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
)
from interference_service.errors import InputUnsupported, InvalidData
from interference_service.references.data.arrow import bytes_column, is_allowed, number_column
from interference_service.references.data.columns import Column, Rows

Read = Callable[[pa.Array, str], Column]
"""The column of an array; the second argument is the field that names it, for errors."""

_READERS: "MappingProxyType[type[Source], tuple[str, Read]]" = MappingProxyType(
    {
        ImageSource: ("image.column", bytes_column),
        TensorSource: ("tensor.column", number_column),
        ColumnsSource: ("columns.columns", number_column),
    }
)
"""Field that names the columns of a kind of input, and how they are read."""


@dataclass(frozen=True, slots=True)
class Projected:
    """A column that an input needs.

    Attributes:
        field: Path of the field that names it.
        read: How it is read.
    """

    field: str
    read: Read


def projection(inputs: Sequence[Input]) -> dict[str, Projected]:
    """The columns that the inputs need, by name."""
    wanted = {}
    for index, each in enumerate(inputs):
        name, read = _READERS[type(each.source)]
        for column in each.source_columns:
            wanted[column] = Projected(f"data.inputs[{index}].{name}", read)
    return wanted


def project(batch: pa.RecordBatch, wanted: Mapping[str, Projected]) -> Rows:
    """The rows of a batch in the columns that are wanted.

    Raises:
        InvalidData: Values of a column do not fit its input.
    """
    columns = {name: each.read(batch.column(name), each.field) for name, each in wanted.items()}
    return Rows(columns, batch.num_rows)


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
            there = ", ".join(repr(name) for name in names[:50])
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
                field, f"{column!r} has the type {kind}, which is not read; store plain values"
            )
