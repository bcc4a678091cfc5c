"""Segments of a few rows, the last of them empty."""

import torch

SIZES = (1, 2, 3, 5, 8)
"""Rows of the segments."""


SEGMENTS = torch.repeat_interleave(torch.arange(len(SIZES)), torch.tensor(SIZES))


NUM_SEGMENTS = len(SIZES) + 1
"""The last of them has no rows."""


ROWS = sum(SIZES)
