"""From the values of a column to the classes or groups of an analysis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from interference_service.domain.options import MAX_NAME
from interference_service.errors import AnalysisError, InvalidData

Value: TypeAlias = int | str
"""A label or group as the data has it."""

_SHOWN = 5
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Which value of a column is which class.

    Attributes:
        ids: Names of the classes, in order. Has length C.
        values: The values that stand for them, in the same order.
        field: Path of the column in the specification, for errors.
    """

    ids: tuple[str, ...]
    values: tuple[Value, ...]
    field: str

    def indices(
        self, values: NDArray[np.generic], rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """The class of every value.

        Args:
            values: Integers or strings. Has shape ``[n]``.
            rows: Numbers of the rows of the file that have them, for errors. Has shape ``[n]``.

        Returns:
            Indices into ``ids``. Has shape ``[n]``.

        Raises:
            InvalidData: A value stands for no class.
        """
        index = {value: position for position, value in enumerate(self.values)}
        distinct, firsts, inverse = np.unique(values, return_index=True, return_inverse=True)
        known = [index.get(value, -1) for value in distinct.tolist()]
        unknown = np.array(known, dtype=np.int64) < 0
        if unknown.any():
            where = "" if rows is None else f" from row {rows[firsts[unknown]].min()} on"
            raise self._unknown(distinct[unknown].tolist(), where)
        return np.asarray(known, dtype=np.int64)[inverse]

    def _unknown(self, unknown: Sequence[Value], where: str) -> AnalysisError:
        expected = (
            f"integers from 0 to {len(self.values) - 1}, one for each of the model's outputs"
            if isinstance(self.values[0], int)
            else _listing(self.values)
        )
        return InvalidData.at(
            self.field, f"holds {_listing(unknown)}{where}; the classes are {expected}"
        )


def label_table(
    distinct: Sequence[Value], class_names: Sequence[str], num_outputs: int
) -> ClassTable:
    """The classes that the model's outputs stand for.

    Integer labels count from 0; string labels are the class names, in the order given or else
    sorted.

    Args:
        distinct: The values found in the label column.
        class_names: As requested; may be empty.
        num_outputs: Classes that the model tells apart, C.

    Raises:
        InvalidData: Names, labels and model do not agree, or a label is too long for a name.
    """
    if class_names and len(class_names) != num_outputs:
        raise InvalidData.at(
            "data.class_names",
            f"has {len(class_names)} names, but the model has {num_outputs} outputs; "
            "give one name per output",
        )
    field = "data.label_column"
    if all(isinstance(value, int) for value in distinct):
        ids = tuple(class_names) or tuple(str(i) for i in range(num_outputs))
        return ClassTable(ids, tuple(range(num_outputs)), field)
    if class_names:
        return ClassTable(tuple(class_names), tuple(class_names), field)
    if len(distinct) != num_outputs:
        raise InvalidData.at(
            "data.class_names",
            f"is empty, and the label column holds {len(distinct)} different labels for a model of "
            f"{num_outputs} outputs; name the classes in the order of the outputs",
        )
    names = tuple(sorted(str(value) for value in distinct))
    _check_lengths(names, field)
    return ClassTable(names, names, field)


def group_table(distinct: Sequence[Value], max_groups: int) -> ClassTable:
    """The groups that a column's values make, in their order.

    Raises:
        InvalidData: There are more than ``max_groups``, or a value is too long for a name.
    """
    if len(distinct) > max_groups:
        raise InvalidData.at(
            "data.group_column",
            f"holds {len(distinct)} different values; at most {max_groups} groups are compared",
        )
    _check_lengths(distinct, "data.group_column")
    values = tuple(sorted(distinct, key=lambda value: (isinstance(value, str), value)))
    return ClassTable(tuple(str(value) for value in values), values, "data.group_column")


def _check_lengths(values: Sequence[Value], field: str) -> None:
    longest = max((each for each in values if isinstance(each, str)), key=len, default="")
    if len(longest) > MAX_NAME:
        raise InvalidData.at(
            field,
            f"holds {_shortened(longest)} of {len(longest)} characters; at most {MAX_NAME} make a "
            "name",
        )


def _shortened(value: Value) -> str:
    told = repr(value)
    return told if len(told) <= _LONGEST_SHOWN else f"{told[:_LONGEST_SHOWN]}…"


def _listing(values: Sequence[Value]) -> str:
    shown = ", ".join(map(_shortened, values[:_SHOWN]))
    return shown + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else "")
