"""From values of Python, of formats that are read row by row, to Arrow."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from interference_service.errors import InvalidData
from interference_service.references.data.projection import check_names, check_schema


def batch_of(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], first_row: int
) -> pa.RecordBatch:
    """A batch of rows.

    Args:
        rows: Values by name; one that is absent is a null.
        columns: Those that are wanted, with the fields that name them.
        first_row: Number of the first row, for errors.

    Raises:
        InvalidData: No row has a column, or values do not fit each other.
    """
    there = {name: None for row in rows for name in row}
    check_names(list(there), columns)
    arrays = {
        name: _array([row.get(name) for row in rows], field, first_row)
        for name, field in columns.items()
    }
    batch = pa.RecordBatch.from_pydict(arrays)
    check_schema(batch.schema, columns)
    return batch


def _array(values: list[Any], field: str, first_row: int) -> pa.Array:
    try:
        array = pa.array(values)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        row = first_row + _first_misfit(values)
        raise InvalidData.at(
            field, f"has in row {row} a value that does not fit those before: {str(error)[:200]}"
        ) from error
    return array.cast(_plain(array.type))


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type in which there is no null type, which only nulls and empty lists have."""
    if pa.types.is_null(kind):
        return pa.int64()
    return pa.list_(_plain(kind.value_type)) if pa.types.is_list(kind) else kind


def _first_misfit(values: list[Any]) -> int:
    """Number of the first value up to which Arrow finds no type for all."""
    good, bad = 0, len(values)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            pa.array(values[:middle])
            good = middle
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            bad = middle
    return good
