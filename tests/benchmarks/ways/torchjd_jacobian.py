"""The Jacobian of the classes' losses by TorchJD."""

from collections.abc import Iterator

from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.ways._class_table import ClassTable
from benchmarks.ways._way import AT_ONCE, PER_CLASS, Case, Gradients, Way


def prepare(case: Case, chunk: int | None) -> Gradients:
    """One loss for each class in a batch, and their Jacobian.

    Args:
        case: The case.
        chunk: Losses differentiated at a time; None: all.
    """
    from torchjd.autojac import jac

    parameters = list(case.module.parameters())

    def gradients() -> Iterator[Tensor]:
        table = ClassTable(case.rows, case.module)
        for inputs, targets in case.rows.batches():
            losses = cross_entropy(case.module(inputs), targets, reduction="none")
            classes, index = targets.unique(return_inverse=True)
            of_classes = losses.new_zeros(len(classes)).index_add(0, index, losses)
            table.add_all(classes, jac(of_classes, parameters, parallel_chunk_size=chunk))
        yield table.sums

    return gradients


def all_at_once(case: Case) -> Gradients:
    """Its default."""
    return prepare(case, None)


def one_by_one(case: Case) -> Gradients:
    """With the least memory."""
    return prepare(case, 1)


WAY_AT_ONCE = Way(
    "torchjd",
    "TorchJD `jac` of the classes' losses, all at once",
    all_at_once,
    most_classes=10,
    why=AT_ONCE,
)
WAY_ONE_BY_ONE = Way(
    "torchjd_single",
    "TorchJD `jac`, one loss at a time",
    one_by_one,
    most_classes=100,
    why=PER_CLASS,
)
