"""Finds models whose output for a row depends on the other rows of its batch (Mathematics §1)."""

import numpy as np
import torch
from torch import Tensor

from interference_service.compute.context import JobContext
from interference_service.errors import InputUnsupported
from interference_service.references.data import open_data
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.preprocessing import prepare

_TOLERANCE = 1e-3
"""Relative to the largest output; rounding is far below, what rows tell each other far above."""


def check_independence(context: JobContext, model: GraphModel) -> None:
    """Compare a row's output in the company of one row and of another.

    A mean over the batch, for instance, makes a row's gradient a matter of all rows of the batch,
    and then no class has a gradient of its own.

    Args:
        context: The job.
        model: Its model, which takes its rows.

    Raises:
        InputUnsupported: The outputs differ.
    """
    data = context.specification.data
    source = open_data(data, context.stores)
    fragment = max(source.fragments(), key=lambda each: each.num_rows)
    if fragment.num_rows < 3:
        return
    chosen = np.array([0, fragment.num_rows // 2, fragment.num_rows - 1])
    rows = source.read_rows(fragment, chosen)

    def first_output(pair: list[int]) -> Tensor:
        taken = rows.take(np.array(pair))
        inputs = prepare(data.inputs, taken, dtype=torch.float32, device=torch.device("cpu"))
        with torch.no_grad():
            return model(inputs)[0]

    one, other = first_output([0, 1]), first_output([0, 2])
    scale = float(torch.maximum(one.abs().max(), other.abs().max()))
    if float((one - other).abs().max()) > _TOLERANCE * scale:
        raise InputUnsupported.at(
            "model.uri",
            "gives a row another output when another row shares its batch; export it in "
            "evaluation mode, and without operations over the batch",
        )
