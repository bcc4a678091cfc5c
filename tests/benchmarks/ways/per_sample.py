"""The gradient of every row by ``torch.func``, then their sums by class."""

from collections.abc import Iterator, Mapping

from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from benchmarks.ways._class_table import ClassTable
from benchmarks.ways._way import PER_ROW, Case, Gradients, Way


def prepare(case: Case) -> Gradients:
    """vmap over the rows of a batch."""
    parameters = {name: each.detach() for name, each in case.module.named_parameters()}

    def loss(held: Mapping[str, Tensor], row: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(functional_call(case.module, held, row[None]), target[None])

    of_rows = vmap(grad(loss), in_dims=(None, 0, 0))

    def gradients() -> Iterator[Tensor]:
        table = ClassTable(case.rows, case.module)
        for inputs, targets in case.rows.batches():
            table.add_all(targets, list(of_rows(parameters, inputs, targets).values()))
        yield table.sums

    return gradients


WAY = Way("per_sample", "per-sample gradients, `vmap(grad)`", prepare, most_classes=10, why=PER_ROW)
