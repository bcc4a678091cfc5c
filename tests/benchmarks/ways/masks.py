"""A mask for each class: one backward pass for every class in a batch, through one graph."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.ways._class_table import ClassTable
from benchmarks.ways._way import PER_CLASS, Case, Gradients, Way


def prepare(case: Case) -> Gradients:
    """What one writes first."""
    parameters = list(case.module.parameters())

    def gradients() -> Iterator[Tensor]:
        table = ClassTable(case.rows, case.module)
        for inputs, targets in case.rows.batches():
            losses = cross_entropy(case.module(inputs), targets, reduction="none")
            for class_index in targets.unique():
                loss = losses[targets == class_index].sum()
                table.add(class_index, torch.autograd.grad(loss, parameters, retain_graph=True))
        yield table.sums

    return gradients


WAY = Way(
    "masks",
    "a mask for each class, `autograd.grad(retain_graph=True)`",
    prepare,
    most_classes=100,
    why=PER_CLASS,
)
