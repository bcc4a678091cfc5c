"""What a way to the gradients of all classes is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from benchmarks.rows import Rows
from interference_service.references.models.exported_program import GraphModel


@dataclass(frozen=True, slots=True)
class Case:
    """What a way is given.

    Attributes:
        module: The network, whose parameters want gradients.
        graph: The same network as the service reads it; its parameters are copies.
        rows: In the order of the segments, or mixed.
        segmented: Whether the rows are segments.
        table_bytes: Most memory of gradients that are held at a time.
    """

    module: nn.Module
    graph: GraphModel
    rows: Rows
    table_bytes: int


Gradients = Callable[[], Iterator[Tensor]]
"""Gradient sums of all groups, some groups at a time, by ascending group. Each has shape ``[G, P]``."""


PER_ROW = "left out: as with 10 classes, for it makes a gradient for each row"
AT_ONCE = "left out to save time: some 55 passes for `mlp` and 100 for `cnn` when it was measured"
PER_CLASS = "left out: a backward pass for each of some 90 classes in a batch"


class NotSupported(Exception):
    """The way cannot do this network; the message says why."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way.

    Attributes:
        name: As the options call it.
        title: As the tables call it.
        prepare: A case to what computes its gradients; raises ``NotSupported``, or ``ImportError``
            where its package is not installed.
        segments: Whether it takes rows in segments and keeps folds apart; otherwise it takes mixed
            rows and keeps classes apart.
        sorts: Whether it brings mixed rows of a class together, and so gains by more rows.
        most_classes: More are not measured.
        why: The reason.
    """

    name: str
    title: str
    prepare: Callable[[Case], Gradients]
    segments: bool = False
    sorts: bool = False
    most_classes: int = 1000
    why: str = ""
