"""One measurement in a process of its own, so that its memory and threads disturb no other.

Takes an ``Order`` as JSON, prints an ``Answer`` as JSON on the last line.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.measurement import Action, Figures, in_turns, peak_bytes, seconds
from benchmarks.networks import NETWORKS, Network, of_a_seed
from benchmarks.parts import PARTS, PartCase
from benchmarks.rows import BATCH, Rows, in_segments, layout_of, mixed, segments_of
from benchmarks.ways import WAYS, Case, Gradients, NotSupported, Way
from interference_service.compute.settings import ComputeSettings
from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.references.models import load_model
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.stores import Stores
from support.examples import export

UNIT_ROWS = ComputeSettings().unit_rows
TABLE_BYTES = 512 << 20
"""Of the gradients that a worker adds up at a time."""
TOLERANCE = 1e-3
"""Of a gradient in 32 bits, relative to its norm."""
_ALTERNATIVE_SECONDS = 8.0
"""What the repetitions of an alternative are to take, if a batch takes no longer."""
_VERIFIED = 3
"""Gradients of a way that are compared before it is timed."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be measured.

    Attributes:
        what: Name of a way or part.
        network: Name of the network.
        classes: C.
        set_rows: Rows of the long-tailed set.
        repetitions: Of the pair that is timed in turns.
        device: "cpu" or "cuda".
        seed: Of weights and inputs.
        longest_seconds: That the repetitions may take.
        archives: Directory that keeps the exported networks.
    """

    what: str
    network: str
    classes: int
    set_rows: int
    repetitions: int
    device: str
    seed: int
    longest_seconds: float
    archives: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, or why nothing."""

    figures: Figures | None
    reason: str = ""


def answer(order: Order) -> Answer:
    """Measure."""
    module = of_a_seed(NETWORKS[order.network], order.classes, order.seed).to(order.device)
    if order.what in PARTS:
        return _part(order, module)
    way = WAYS[order.what]
    try:
        return _way(order, way, module)
    except NotSupported as error:
        return Answer(None, str(error))
    except ModuleNotFoundError as error:
        return Answer(None, f"not installed: {error.name}")


def _part(order: Order, module: nn.Module) -> Answer:
    rows = _rows(order, segmented=True, count=NETWORKS[order.network].rows)
    layout = layout_of(order.set_rows, order.classes)
    share = len(rows.targets) / int(layout.counts.sum())
    case = PartCase(module, layout, share, len(rows.groups), order.seed)
    action, factor = PARTS[order.what].prepare(case)
    plain = _plain(module, rows.shuffled(order.seed))
    plain(), action()
    return Answer(_timed(order, plain, action, rows, factor))


def _way(order: Order, way: Way, module: nn.Module) -> Answer:
    network = NETWORKS[order.network]
    whole = way.segments or way.sorts
    rows = _rows(order, segmented=way.segments, count=network.rows if whole else BATCH)
    graph = _graph(order, network, module)
    case = Case(module, graph, rows, TABLE_BYTES)
    gradients = way.prepare(case)
    plain = _plain(module, rows.shuffled(order.seed))
    plain()
    passed = seconds(plain, order.device)
    before = peak_bytes(order.device)
    sizes: list[int] = []
    taken = seconds(lambda: sizes.append(_run(gradients)), order.device)
    table_bytes = sizes[0]
    more_bytes = max(0, peak_bytes(order.device) - before - table_bytes)
    _verify(case, gradients, way)
    needed = order.repetitions * (passed + taken)
    if needed > order.longest_seconds:
        return Answer(
            None,
            f"left out: takes some {taken / passed:.0f} passes, {needed:.0f} s to measure",
        )
    if not whole:
        batches = min(network.rows // BATCH, max(1, int(_ALTERNATIVE_SECONDS / needed)))
        rows = _rows(order, segmented=False, count=batches * BATCH)
        gradients = way.prepare(replace(case, rows=rows))
        plain = _plain(module, rows)
    figures = _timed(order, plain, _of(gradients), rows)
    return Answer(replace(figures, table_bytes=table_bytes, more_bytes=more_bytes))


def _timed(order: Order, plain: Action, action: Action, rows: Rows, factor: float = 1.0) -> Figures:
    return in_turns(
        plain,
        action,
        rows=len(rows.targets),
        repetitions=order.repetitions,
        device=order.device,
        factor=factor,
    )


def _rows(order: Order, *, segmented: bool, count: int) -> Rows:
    shape = NETWORKS[order.network].shape
    if segmented:
        layout = layout_of(order.set_rows, order.classes)
        segments = segments_of(layout, UNIT_ROWS, count)
        rows = in_segments(segments, shape, order.seed)
    else:
        rows = mixed(order.set_rows, order.classes, count, shape, order.seed)
    return replace(rows, inputs=rows.inputs.to(order.device), targets=rows.targets.to(order.device))


def _graph(order: Order, network: Network, module: nn.Module) -> GraphModel:
    """The network as the service reads it."""
    path = Path(order.archives, f"{order.network}-{order.classes}.pt2")
    if not path.exists():
        export(module.cpu(), path, network.shape)
        module.to(order.device)
    reference = ModelReference(uri=f"data://{path.name}", format=ModelFormat.TORCH_EXPORT)
    stores = Stores({"data": path.parent})
    device = torch.device(order.device)
    return load_model(reference, stores, device=device, dtype=torch.float32)


def _plain(module: nn.Module, rows: Rows) -> Action:
    """One forward and backward pass over all rows, mixed, as training makes it."""
    parameters = list(module.parameters())

    def action() -> None:
        for inputs, targets in rows.batches():
            loss = cross_entropy(module(inputs), targets, reduction="sum")
            torch.autograd.grad(loss, parameters)

    return action


def _of(gradients: Gradients) -> Action:
    def action() -> None:
        _run(gradients)

    return action


def _run(gradients: Gradients) -> int:
    """Take all gradients, and let go of each table before the next; bytes of the largest."""
    largest = 0
    tables = gradients()
    while (size := _bytes_of_next(tables)) is not None:
        largest = max(largest, size)
    return largest


def _bytes_of_next(tables: Iterator[Tensor]) -> int | None:
    table = next(tables, None)
    return None if table is None else table.nbytes


def _verify(case: Case, gradients: Gradients, way: Way) -> None:
    """A figure counts only if the gradients are right."""
    for group, (found, rows) in enumerate(
        zip(next(gradients()), _groups(case.rows, way.segments), strict=False)
    ):
        if group == _VERIFIED:
            return
        parameters = dict(case.module.named_parameters())
        loss = cross_entropy(
            case.module(case.rows.inputs[rows]), case.rows.targets[rows], reduction="sum"
        )
        names: Sequence[str] = list(case.graph.parameters) if way.segments else list(parameters)
        wanted = torch.autograd.grad(loss, [parameters[name] for name in names])
        flat = torch.cat([each.reshape(-1) for each in wanted])
        distance = float((found - flat).norm() / flat.norm())
        if distance > TOLERANCE:
            raise RuntimeError(f"{way.name} gives a gradient that is {distance:.1e} off")


def _groups(rows: Rows, segmented: bool) -> Iterator[Tensor]:
    if segmented:
        yield from torch.arange(len(rows.targets)).split(list(rows.groups))
    else:
        for class_index in rows.targets.unique():
            yield torch.nonzero(rows.targets == class_index)[:, 0]


def main() -> None:
    """Answer the order that is the argument."""
    torch.set_num_threads(1)
    found = answer(Order(**json.loads(sys.argv[1])))
    print(json.dumps(asdict(found)))  # noqa: T201


if __name__ == "__main__":
    main()
