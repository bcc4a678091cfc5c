"""From Arrow arrays to numpy, for the types that are allowed."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interference_service.domain.options import MAX_CLASSES
from interference_service.errors import InputUnsupported, InvalidData
from interference_service.references.data.columns import (
    BytesColumn,
    LabelLists,
    NumberColumn,
    RaggedColumn,
)

MAX_COLUMN_BYTES = 1 << 30
"""A batch of encoded values that is larger is refused."""


def is_allowed(kind: pa.DataType) -> bool:
    """Whether a type, and every type within it, is plain data.

    Extension types are not: libraries register readers for them that run what they find.
    """
    if isinstance(kind, pa.BaseExtensionType):
        return False
    if pa.types.is_struct(kind):
        return all(is_allowed(kind.field(index).type) for index in range(kind.num_fields))
    if pa.types.is_dictionary(kind):
        return is_allowed(kind.value_type)
    if _is_list(kind):
        return is_allowed(kind.value_type)
    return _is_number(kind) or _is_text(kind) or _is_bytes(kind)


def class_values(array: pa.Array, field: str, first_row: int) -> NDArray[np.generic]:
    """Labels or groups: integers as int64, strings as objects. Has shape ``[n]``.

    Args:
        array: A batch of the column.
        field: Path of the field that names it.
        first_row: Number of the batch's first row in the file, for errors.

    Raises:
        InvalidData: A value is null, or the column holds neither integers nor strings.
    """
    if array.null_count:
        row = first_row + first_null(array)
        raise InvalidData.at(field, f"is null in row {row}; every row needs a value")
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        if pa.types.is_integer(array.type) or pa.types.is_boolean(array.type):
            return np.asarray(array.cast(pa.int64()).to_numpy())
        if _is_text(array.type):
            return np.asarray(array.to_numpy(zero_copy_only=False), dtype=object)
    except (pa.ArrowException, ValueError) as error:
        raise InvalidData.at(
            field, "holds an integer of more than 63 bits or a string that is not UTF-8"
        ) from error
    raise InvalidData.at(field, f"holds {array.type}; it must hold integers or strings")


def refuse_lists(kind: pa.DataType, field: str) -> None:
    """Refuse a column of lists where a row must have one value.

    Raises:
        InvalidData: The column holds lists.
    """
    if _is_list(kind):
        hint = "; for lists of labels the loss must be MULTI_LABEL" * (field == "data.label_column")
        raise InvalidData.at(field, f"holds {kind}; it must hold integers or strings{hint}")


def label_lists(array: pa.Array, field: str, first_row: int, row_in_file: int) -> LabelLists:
    """Lists of labels: of integers as int64, of strings as objects.

    Args:
        array: A batch of the column.
        field: Path of the field that names it.
        first_row: Position of the batch's first row in its fragment.
        row_in_file: Its number in the file, for errors.

    Raises:
        InvalidData: A list or label is null, a list is too long, or the column holds no lists of
            integers or strings.
    """
    if not _is_list(array.type):
        raise InvalidData.at(
            field,
            f"holds {array.type}; with LOSS_KIND_MULTI_LABEL it must hold lists of integers or "
            "strings",
        )
    if array.null_count:
        row = row_in_file + first_null(array)
        raise InvalidData.at(field, f"is null in row {row}; a row without labels has an empty list")
    sizes = pc.list_value_length(array).to_numpy(zero_copy_only=False).astype(np.int64)
    if sizes.max(initial=0) > MAX_CLASSES:
        row = row_in_file + int(sizes.argmax())
        raise InvalidData.at(
            field,
            f"lists {sizes.max()} labels in row {row}; there are at most {MAX_CLASSES} classes",
        )
    labels = array.flatten()
    if labels.null_count:
        row = row_in_file + int(np.searchsorted(np.cumsum(sizes), first_null(labels), "right"))
        raise InvalidData.at(field, f"lists a null in row {row}; leave out what is not known")
    return LabelLists(first_row, _listed_values(labels, field), sizes)


def integer_lists(array: pa.Array, field: str) -> RaggedColumn:
    """Lists of integers of any length.

    Raises:
        InvalidData: A list or integer is null, an integer is too large, or the column holds
            something else.
    """
    _no_nulls(array, field)
    if not (_is_list(array.type) and pa.types.is_integer(array.type.value_type)):
        raise InvalidData.at(field, f"holds {array.type}; it must hold lists of integers")
    sizes = pc.list_value_length(array).to_numpy(zero_copy_only=False).astype(np.int64)
    values = array.flatten()
    _no_nulls(values, field)
    return RaggedColumn(np.asarray(_integers(values, field).to_numpy()), np.cumsum(sizes))


def filled(array: pa.Array, fill: float, field: str) -> pa.Array:
    """Numbers with another in the place of nulls, in one type whether or not there are any.

    NaN is a number and stays.

    Raises:
        InvalidData: The column holds something else, or integers that are too large.
    """
    kind = array.type
    if not _is_number(kind):
        raise InvalidData.at(field, f"holds {kind}; it must hold numbers")
    integer = fill.is_integer() and abs(fill) < 1 << 63 and not pa.types.is_floating(kind)
    if not integer:
        return array.cast(pa.float64(), safe=False).fill_null(fill)
    # Of 64 bits, as it need not be one of the integers of the column's type.
    return _integers(array, field).fill_null(int(fill))


def _integers(array: pa.Array, field: str) -> pa.Array:
    try:
        return array.cast(pa.int64())
    except pa.ArrowException as error:
        raise InvalidData.at(field, "holds an integer of more than 63 bits") from error


def _listed_values(labels: pa.Array, field: str) -> NDArray[np.generic]:
    if not pa.types.is_dictionary(labels.type):
        return class_values(labels, field, 0)
    # Unfolded by reference, as a long string may be listed any number of times.
    distinct = class_values(labels.dictionary, field, 0)
    return np.asarray(distinct[labels.indices.to_numpy(zero_copy_only=False).astype(np.int64)])


def first_null(array: pa.Array) -> int:
    """Position of the first null of an array that has one."""
    return int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])


def bytes_column(array: pa.Array, field: str) -> BytesColumn:
    """Encoded images: binary, or the ``bytes`` of a struct, whose path is never followed.

    Raises:
        InvalidData: A value is null, or the column holds something else.
    """
    if pa.types.is_struct(array.type) and array.type.get_field_index("bytes") >= 0:
        array = pc.struct_field(array, "bytes")
    _no_nulls(array, field)
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if not _is_bytes(kind):
        raise InvalidData.at(field, f"holds {kind}; it must hold the bytes of image files")
    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary).take(array.indices)
        _bounded(int(pc.sum(lengths).as_py() or 0), field)
        array = array.dictionary_decode()
    return BytesColumn.of(array.to_pylist())


def _bounded(total_bytes: int, field: str) -> None:
    if total_bytes > MAX_COLUMN_BYTES:
        raise InputUnsupported.at(
            field, f"unfolds a batch of rows to more than {MAX_COLUMN_BYTES >> 20} MiB"
        )


def remedy(kind: pa.DataType) -> str:
    """What to do with a type that is not read."""
    return "cast it to float64" if pa.types.is_decimal(kind) else "store plain values"


def is_text_or_bytes(kind: pa.DataType) -> bool:
    """Whether a column holds strings or bytes."""
    return _is_text(kind) or _is_bytes(kind)


def is_list_of_text(kind: pa.DataType) -> bool:
    """Whether a column holds lists of strings or bytes."""
    return _is_list(kind) and is_text_or_bytes(kind.value_type)


def number_column(array: pa.Array, field: str) -> NumberColumn:
    """Numbers, or lists of numbers of one length.

    Raises:
        InvalidData: A value is null, lists differ in length, or the column holds something else.
    """
    values = array
    while _is_list(values.type):
        _no_nulls(values, field)
        lengths = np.unique(pc.list_value_length(values).to_numpy(zero_copy_only=False))
        if len(lengths) > 1:
            raise InvalidData.at(
                field,
                f"holds lists of {lengths.min()} to {lengths.max()} entries; one length is needed",
            )
        values = values.flatten()
    numbers = _numbers(values, field)
    return NumberColumn(numbers.reshape(len(array), -1) if _is_list(array.type) else numbers)


def _numbers(array: pa.Array, field: str) -> NDArray[np.generic]:
    _no_nulls(array, field)
    if not _is_number(array.type):
        raise InvalidData.at(field, f"holds {array.type}; it must hold numbers")
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _no_nulls(array: pa.Array, field: str) -> None:
    if array.null_count:
        raise InvalidData.at(field, f"holds {array.null_count} nulls; every row needs a value")


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )
