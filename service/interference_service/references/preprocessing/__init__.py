"""From stored rows to the model's arguments: declared, never programmed."""

from collections.abc import Sequence

import torch
from torch import Tensor

from interference_service.domain.inputs import ColumnsSource, ImageSource, Input, TensorSource
from interference_service.references.data.columns import Rows
from interference_service.references.preprocessing.images import image_tensor
from interference_service.references.preprocessing.numbers import column_tensor, number_tensor
from interference_service.references.preprocessing.tokens import token_tensor


def prepare(
    inputs: Sequence[Input], rows: Rows, *, dtype: torch.dtype, device: torch.device
) -> dict[str, Tensor]:
    """The model's arguments for a batch of rows.

    Args:
        inputs: How columns become arguments; none with a ``preprocessor_uri``, which
            ``resolved_inputs`` replaces.
        rows: The batch.
        dtype: Type of the arguments that are not integers.
        device: Where they are wanted.

    Returns:
        For every input a tensor whose first axis is the batch.

    Raises:
        InvalidData: Values of a row do not fit its input.
    """
    return {
        each.name: _argument(each, rows, f"data.inputs[{index}]", dtype).to(device)
        for index, each in enumerate(inputs)
    }


def _argument(each: Input, rows: Rows, field: str, dtype: torch.dtype) -> Tensor:
    match each.source:
        case ImageSource() as source:
            # The wrong pixels would pass for the right ones.
            assert not source.preprocessor_uri, "resolved_inputs comes first"  # noqa: S101
            return image_tensor(source, rows, f"{field}.image.column", dtype)
        case TensorSource() as source:
            return number_tensor(source, rows, f"{field}.tensor", dtype)
        case ColumnsSource() as source:
            return column_tensor(source, rows, f"{field}.columns.columns", dtype)
        case source:
            return token_tensor(source, rows, f"{field}.tokens.column")
