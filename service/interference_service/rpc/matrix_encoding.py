"""Elements of a matrix as bytes; pure."""

import numpy as np
from numpy.typing import NDArray

from interference_service.domain.result import Matrix
from interference_service.rpc.matrix_plan import MatrixPlan


def selected(matrix: Matrix, plan: MatrixPlan) -> Matrix:
    """The rows and columns that are sent. Has shape ``[rows, columns]``, contiguous."""
    if plan.rows is not None:
        matrix = matrix[np.asarray(plan.rows)]
    if plan.columns is not None:
        matrix = matrix[:, np.asarray(plan.columns)]
    return np.ascontiguousarray(matrix)


def encoded(matrix: Matrix, plan: MatrixPlan, start: int, stop: int) -> bytes:
    """Elements ``start`` to ``stop`` of a selected matrix in the order and type of its plan."""
    elements = _upper(matrix, start, stop) if plan.upper else matrix.reshape(-1)[start:stop]
    with np.errstate(over="ignore"):  # beyond the range of a short type, infinity is the rounding
        return elements.astype(plan.dtype, copy=False).tobytes()


def _upper(matrix: Matrix, start: int, stop: int) -> NDArray[np.float64]:
    """Elements ``start`` to ``stop`` of the row-major upper triangle with diagonal.

    Row ``r`` of ``n`` begins at element ``r n − r (r − 1) / 2``. Only the rows of this range are
    touched, so that a large triangle is never copied as a whole.
    """
    n = len(matrix)
    rows = np.arange(n + 1)
    begins = rows * n - rows * (rows - 1) // 2
    first = int(np.searchsorted(begins, start, side="right")) - 1
    last = int(np.searchsorted(begins, stop, side="left"))
    pieces = []
    for row in range(first, last):
        low = max(start - int(begins[row]), 0)
        high = min(stop - int(begins[row]), n - row)
        pieces.append(matrix[row, row + low : row + high])
    return np.concatenate(pieces)
