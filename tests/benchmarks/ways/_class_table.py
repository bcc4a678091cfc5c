"""Gradient sums of the classes that occur among mixed rows."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmarks.rows import Rows


class ClassTable:
    """A row for every class that occurs, in ascending order."""

    def __init__(self, rows: Rows, module: nn.Module) -> None:
        self._parameters = list(module.parameters())
        self._classes = rows.targets.unique()
        sizes = [each.numel() for each in self._parameters]
        self.sums = torch.zeros(len(self._classes), sum(sizes), device=rows.targets.device)
        self._parts = self.sums.split(sizes, dim=1)

    def add(self, class_index: Tensor, gradients: Sequence[Tensor]) -> None:
        """Add the gradient of one class. Each has the shape of its parameter."""
        row = int(torch.searchsorted(self._classes, class_index))
        for part, gradient in zip(self._parts, gradients, strict=True):
            part[row] += gradient.reshape(-1)

    def add_all(self, classes: Tensor, gradients: Sequence[Tensor]) -> None:
        """Add a gradient of every class or row given. Each has shape ``[n, ...]``."""
        index = torch.searchsorted(self._classes, classes)
        for part, gradient in zip(self._parts, gradients, strict=True):
            part.index_add_(0, index, gradient.reshape(len(index), -1))
