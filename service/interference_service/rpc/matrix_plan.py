"""Which matrices a request wants, of which classes, in which encoding; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

import numpy as np

from interference.v1 import analysis_result_pb2 as wire, analysis_service_pb2
from interference_service.domain.result import AnalysisResult, Axis, MatrixInfo
from interference_service.errors import Violation
from interference_service.rpc.validation import MAX_VIOLATIONS, choices, invalid, is_known

_DTYPES: Mapping[int, str] = MappingProxyType(
    {
        wire.ELEMENT_TYPE_FLOAT32: "<f4",
        wire.ELEMENT_TYPE_FLOAT64: "<f8",
        wire.ELEMENT_TYPE_FLOAT16: "<f2",
    }
)
ELEMENT_TYPES = tuple(wire.ElementType.Name(number) for number in _DTYPES)
"""Names of the element types that are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixPlan:
    """How one matrix is sent."""

    info: MatrixInfo
    """As the result has it."""
    rows: Sequence[int] | None
    """Indices of the rows wanted; None: all."""
    columns: Sequence[int] | None
    """Likewise of the columns."""
    upper: bool
    """Whether the upper triangle is sent, else all rows."""
    element_type: wire.ElementType

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """Little-endian element type."""
        return np.dtype(_DTYPES[self.element_type])

    @property
    def sent_info(self) -> MatrixInfo:
        """The description after class selection."""
        counts = {
            "row_count": self.info.row_count if self.rows is None else len(self.rows),
            "column_count": self.info.column_count if self.columns is None else len(self.columns),
        }
        return self.info.model_copy(update=counts)

    @property
    def layout(self) -> wire.MatrixLayout:
        """Order of the elements."""
        return wire.MATRIX_LAYOUT_UPPER if self.upper else wire.MATRIX_LAYOUT_DENSE

    @property
    def element_count(self) -> int:
        """Elements sent."""
        info = self.sent_info
        if self.upper:
            return info.row_count * (info.row_count + 1) // 2
        return info.row_count * info.column_count

    @property
    def size_bytes(self) -> int:
        """Bytes of all elements."""
        return self.element_count * self.dtype.itemsize


def plan_matrices(
    request: analysis_service_pb2.ReadMatricesRequest, result: AnalysisResult
) -> tuple[MatrixPlan, ...]:
    """How the matrices that a request wants are sent, in its order.

    Raises:
        InvalidRequest: It names matrices or classes that the result does not have, names one
            twice, or asks for an encoding that does not exist or does not fit.
    """
    by_id = {info.id: info for info in result.matrices}
    position = {info.id: index for index, info in enumerate(result.classes)}
    unfit = chain(
        _unfit_ids("matrix_ids", request.matrix_ids, by_id, "matrices"),
        _unfit_ids("class_ids", request.class_ids, position, "classes"),
        _unfit_encoding(request),
    )
    if violations := list(islice(unfit, MAX_VIOLATIONS)):
        raise invalid(violations)
    wanted = [by_id[each] for each in request.matrix_ids] or list(result.matrices)
    if request.layout == wire.MATRIX_LAYOUT_UPPER:
        _check_symmetric(wanted)
    classes = [position[each] for each in request.class_ids] or None
    return tuple(
        MatrixPlan(
            info=info,
            rows=classes if info.row_axis is Axis.CLASS else None,
            columns=classes if info.column_axis is Axis.CLASS else None,
            upper=info.symmetric and request.layout != wire.MATRIX_LAYOUT_DENSE,
            element_type=request.element_type or wire.ELEMENT_TYPE_FLOAT32,
        )
        for info in wanted
    )


def _unfit_ids(
    field: str, ids: Sequence[str], known: Mapping[str, object], what: str
) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, each in enumerate(ids):
        if each not in known:
            yield Violation(
                f"{field}[{index}]",
                f"is {each[:80]!r}; must be the id of one of AnalysisResult.{what}",
            )
        elif each in seen:
            yield Violation(f"{field}[{index}]", f"is {each[:80]!r} again; name each once")
        seen.add(each)


def _unfit_encoding(request: analysis_service_pb2.ReadMatricesRequest) -> Iterator[Violation]:
    for field in ("element_type", "layout"):
        descriptor: Any = request.DESCRIPTOR.fields_by_name[field]
        number = getattr(request, field)
        if not is_known(descriptor, number):
            yield Violation(field, f"is {number}; must be one of {choices(descriptor)}")


def _check_symmetric(wanted: Sequence[MatrixInfo]) -> None:
    for info in wanted:
        if not info.symmetric:
            what = f"is MATRIX_LAYOUT_UPPER, but {info.id!r} is not symmetric; ask for it as DENSE"
            raise invalid([Violation("layout", what)])
