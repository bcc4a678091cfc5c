"""The gradient of every row by the hooks of BackPACK, then their sums by class."""

import copy
from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.ways._class_table import ClassTable
from benchmarks.ways._way import PER_ROW, Case, Gradients, NotSupported, Way


def prepare(case: Case) -> Gradients:
    """An extended copy of the network."""
    from backpack import backpack, extend
    from backpack.extensions import BatchGrad

    if any(isinstance(each, nn.LayerNorm) for each in case.module.modules()):
        raise NotSupported("has no rule for layer normalisation")
    extended = extend(copy.deepcopy(case.module))

    def gradients() -> Iterator[Tensor]:
        table = ClassTable(case.rows, case.module)
        for inputs, targets in case.rows.batches():
            with backpack(BatchGrad()):
                cross_entropy(extended(inputs), targets, reduction="sum").backward()
            table.add_all(targets, [each.grad_batch for each in extended.parameters()])
            for each in extended.parameters():
                del each.grad_batch
                each.grad = None
        yield table.sums

    return gradients


WAY = Way("backpack", "BackPACK `BatchGrad`", prepare, most_classes=10, why=PER_ROW)
