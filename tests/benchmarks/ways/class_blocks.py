"""vmap over blocks of rows of one class each, in place of single rows."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from benchmarks.rows import BATCH
from benchmarks.ways._class_table import ClassTable
from benchmarks.ways._way import Case, Gradients, Way


def prepare(case: Case) -> Gradients:
    """Rows sorted by class are cut into blocks of powers of two; those of a size go together."""
    parameters = {name: each.detach() for name, each in case.module.named_parameters()}

    def loss(held: Mapping[str, Tensor], block: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(functional_call(case.module, held, block), targets, reduction="sum")

    of_blocks = vmap(grad(loss), in_dims=(None, 0, 0))

    def gradients() -> Iterator[Tensor]:
        table = ClassTable(case.rows, case.module)
        for size, blocks in blocks_by_size(case.rows.targets).items():
            for some in blocks.split(max(1, BATCH // size)):
                targets = case.rows.targets[some]
                found = of_blocks(parameters, case.rows.inputs[some], targets)
                table.add_all(targets[:, 0], list(found.values()))
        yield table.sums

    return gradients


def blocks_by_size(targets: Tensor) -> dict[int, Tensor]:
    """Rows in blocks of one class each.

    Args:
        targets: Class of every row. Has shape ``[n]``.

    Returns:
        By the size s of a block, a power of two, the rows of its blocks. Each has shape ``[G, s]``.
    """
    found: dict[int, list[Tensor]] = {}
    for class_index in targets.unique():
        rows = torch.nonzero(targets == class_index)[:, 0]
        while len(rows):
            size = min(BATCH, 1 << (len(rows).bit_length() - 1))
            found.setdefault(size, []).append(rows[:size])
            rows = rows[size:]
    return {size: torch.stack(blocks) for size, blocks in found.items()}


WAY = Way("class_blocks", "`vmap(grad)` over blocks of one class", prepare, sorts=True)
