"""Element types and the layout that tensors of a model may have."""

from collections.abc import Mapping

import torch

DTYPES: Mapping[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
"""Numbers of element types in archives of exported programs."""
STRIDED = 7
"""Number of the only layout that is read."""
