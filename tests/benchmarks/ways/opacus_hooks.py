"""The gradient of every row by the hooks of Opacus, then their sums by class."""

import copy
from collections.abc import Iterator

from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.ways._class_table import ClassTable
from benchmarks.ways._way import PER_ROW, Case, Gradients, NotSupported, Way


def prepare(case: Case) -> Gradients:
    """A wrapped copy of the network; its hooks want training mode, which changes nothing here."""
    from opacus.grad_sample import GradSampleModule

    try:
        wrapped = GradSampleModule(copy.deepcopy(case.module).train(), loss_reduction="sum")
    except NotImplementedError as error:
        raise NotSupported("refuses batch normalisation") from error

    def gradients() -> Iterator[Tensor]:
        table = ClassTable(case.rows, case.module)
        for inputs, targets in case.rows.batches():
            cross_entropy(wrapped(inputs), targets, reduction="sum").backward()
            table.add_all(targets, [each.grad_sample for each in wrapped.parameters()])
            wrapped.zero_grad(set_to_none=True)
        yield table.sums

    return gradients


WAY = Way("opacus", "Opacus `GradSampleModule`", prepare, most_classes=10, why=PER_ROW)
