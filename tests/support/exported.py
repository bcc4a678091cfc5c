"""A small network to export."""

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """A linear map of four numbers to three logits; the base of those that cannot be exported."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


def rows(count: int, *shape: int) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(count))
