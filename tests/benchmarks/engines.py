"""Cost of the gradients of all classes, against one plain forward and backward pass.

Both go over the same rows in batches of the same size, in one process and one thread, in turns; the
figure is the median ratio of CPU time. Absolute times of a shared machine mean nothing.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from interference_service.core.folds import fold_layout
from interference_service.core.gradients import Batch
from interference_service.core.homogeneous import HomogeneousEngine
from interference_service.core.losses import per_row_loss

BATCH = 128
FOLDS = 8
REPEATS = 5


class Differentiated:
    """A module as the engine takes it."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self.parameters: Mapping[str, Tensor] = dict(module.named_parameters())

    def __call__(self, inputs: Mapping[str, Tensor]) -> Tensor:
        logits: Tensor = self._module(inputs["x"])
        return logits


def convolutional(classes: int) -> nn.Module:
    """Four convolutions with batch normalisation at 32×32; about 0.4 M parameters."""
    layers: list[nn.Module] = []
    widths = (3, 32, 64, 128, 256)
    for before, after in pairwise(widths):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, classes)).eval()


def perceptron(classes: int) -> nn.Module:
    """Two hidden layers of 512 on 3×32×32."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(3072, 512),
        nn.ReLU(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, classes),
    ).eval()


def long_tail(rows: int, classes: int) -> np.ndarray:
    """Rows of each class: a geometric series of 100:1, at least one each."""
    shares = 100.0 ** (-np.arange(classes) / max(1, classes - 1))
    return np.maximum(1, np.rint(rows * shares / shares.sum())).astype(np.int64)


def plain_pass(model: nn.Module, inputs: Tensor, targets: Tensor) -> None:
    """One forward and backward pass over all rows, mixed, as training makes it."""
    for rows in torch.arange(len(targets)).split(BATCH):
        loss = nn.functional.cross_entropy(model(inputs[rows]), targets[rows], reduction="sum")
        torch.autograd.grad(loss, list(model.parameters()))


def all_class_gradients(model: nn.Module, inputs: Tensor, counts: np.ndarray) -> None:
    """The gradient sum of every fold of every class."""
    engine, loss = Differentiated(model), per_row_loss("cross_entropy")
    layout = fold_layout(counts, FOLDS)
    starts = np.concatenate([[0], np.cumsum(counts)])
    for segment in range(layout.num_segments):
        class_index = int(layout.class_of_segment[segment])
        rows = torch.arange(
            int(starts[class_index] + layout.fold_of_segment[segment]),
            int(starts[class_index + 1]),
            int(layout.folds_of_class[class_index]),
        )
        HomogeneousEngine(engine, tuple(engine.parameters), loss).segment_sums(
            _batches(inputs, rows, class_index), 1
        )


def _batches(inputs: Tensor, rows: Tensor, class_index: int) -> Iterator[Batch]:
    for batch in rows.split(BATCH):
        targets = torch.full((len(batch),), class_index)
        yield Batch({"x": inputs[batch]}, targets, ((0, len(batch)),))


def cpu_seconds(action: Callable[[], None]) -> float:
    """CPU time of one call."""
    started = time.process_time()
    action()
    return time.process_time() - started


def ratio(build: Callable[[int], nn.Module], classes: int, rows: int = 4096) -> tuple[float, float]:
    """Median cost of the engine over the cost of the plain pass; least and median."""
    torch.manual_seed(0)
    model = build(classes)
    counts = long_tail(rows, classes)
    inputs = torch.randn(int(counts.sum()), 3, 32, 32)
    targets = torch.repeat_interleave(torch.arange(classes), torch.from_numpy(counts))
    shuffled = torch.randperm(len(targets))
    mixed, mixed_targets = inputs[shuffled], targets[shuffled]
    found = []
    for _ in range(REPEATS):
        plain = cpu_seconds(lambda: plain_pass(model, mixed, mixed_targets))
        engine = cpu_seconds(lambda: all_class_gradients(model, inputs, counts))
        found.append(engine / plain)
    return min(found), statistics.median(found)
