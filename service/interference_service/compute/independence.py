"""Finds models whose output for a row depends on the other rows of its batch (Mathematics §1)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from interference_service.domain.inputs import Input
from interference_service.errors import InputUnsupported
from interference_service.references.data.columns import Rows
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.preprocessing import prepare

_TOLERANCE = 1e-3
"""Relative to the largest output; rounding is far below, what rows tell each other far above."""


def check_independence(
    model: GraphModel, inputs: Sequence[Input], rows: Rows, dtype: torch.dtype
) -> None:
    """Compare a row's output in the company of one row and of another.

    A mean over the batch, for instance, makes a row's gradient a matter of all rows of the batch,
    and then no class has a gradient of its own.

    Args:
        model: The model.
        inputs: How rows become its arguments.
        rows: Some rows that it takes.
        dtype: Floating-point type of its parameters.

    Raises:
        InputUnsupported: The outputs differ.
    """
    if rows.count < 3:
        return

    def first_output(other: int) -> Tensor:
        pair = rows.take(np.array([0, other]))
        with torch.no_grad():
            return model(prepare(inputs, pair, dtype=dtype, device=torch.device("cpu")))[0]

    one, other = first_output(rows.count // 2), first_output(rows.count - 1)
    scale = float(torch.maximum(one.abs().max(), other.abs().max()))
    if float((one - other).abs().max()) > _TOLERANCE * scale:
        raise InputUnsupported.at(
            "model.uri",
            "gives a row another output when another row shares its batch; export it in "
            "evaluation mode, and without operations over the batch",
        )
