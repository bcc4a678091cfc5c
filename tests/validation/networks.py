"""A network on real images at several stages of training; all rows of a class are the truth.

Samples are drawn from those rows with replacement, so that they are samples of a population whose
gradients are known exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interference_service.core.folds import FoldLayout, fold_layout
from interference_service.core.layers import Layer
from interference_service.core.projector import Projector
from interference_service.core.replicates import ReplicatedStatistics
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sketch import REPLICATES, Projection, projection_of
from interference_service.core.sufficient_statistics import (
    SufficientStatistics,
    sufficient_statistics,
)
from support.real_data import ImageSet, load
from validation.tally import Truth

Array = NDArray[np.float64]

CLASSES = 10
FOLDS = 8
ROWS_OF_CLASS = 1000
MAJORITY_ROWS = 256
LAYERS = tuple(
    Layer(name, (), count, head=False) for name, count in (("0", 336), ("2", 2616), ("4", 6944))
)
"""The shared layers of the network."""
BATCH = 64
LEARNING_RATE = 0.05


def network() -> nn.Sequential:
    """Three convolutions and a head: 9,896 shared parameters."""
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, CLASSES),
    )


def stages(
    inputs: Tensor, labels: Tensor, epochs: tuple[int, ...], seed: int
) -> Iterator[tuple[int, nn.Sequential]]:
    """Train on long-tailed rows; yields the network after each of the epochs, ascending."""
    torch.manual_seed(seed)
    model = network()
    optimiser = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9)
    for epoch in range(max(epochs) + 1):
        if epoch in epochs:
            yield epoch, model.eval()
        for batch in torch.randperm(len(labels)).split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), labels[batch]).backward()
            optimiser.step()


def row_gradients(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Gradient of the loss of every row for the shared parameters. Has shape ``[n, P]``."""
    head = {name for name, _ in list(model.named_parameters())[-2:]}
    fixed = {name: each.detach() for name, each in model.named_parameters() if name in head}
    shared = {name: each.detach() for name, each in model.named_parameters() if name not in head}

    def loss(parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        logits = torch.func.functional_call(model, parameters | fixed, (x[None],))
        return nn.functional.cross_entropy(logits, y[None])

    of_rows = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    parts = [
        torch.cat([each.flatten(1) for each in of_rows(shared, x, y).values()], dim=1)
        for x, y in zip(inputs.split(500), labels.split(500), strict=True)
    ]
    return torch.cat(parts)


@dataclass(frozen=True, slots=True)
class Population:
    """The rows of every class, each with its gradient.

    Attributes:
        gradients: Of every class. Each has shape ``[N_c, P]``.
        priors: π, of the rows that the network was trained on. Has shape ``[C]``.
    """

    gradients: tuple[NDArray[np.float32], ...]
    priors: Array

    @property
    def minorities(self) -> NDArray[np.bool_]:
        """Classes with less than half of the uniform share. Has shape ``[C]``."""
        return np.asarray(self.priors < 0.5 / CLASSES)

    def noise(self) -> Array:
        """tr Σ_c / ‖g_c‖² of one row. Has shape ``[C]``."""
        squares = [(each.astype(np.float64) ** 2).sum(1).mean() for each in self.gradients]
        return np.asarray(np.array(squares) / np.diagonal(self.truth().gram) - 1)

    def truth(self) -> Truth:
        """Gram matrix of the mean gradients of all rows."""
        means = np.stack([each.mean(0, dtype=np.float64) for each in self.gradients])
        return Truth(means @ means.T, self.priors, self.minorities)

    def analyses(self, rows: int, repetitions: int, seed: int) -> Iterator[Scope]:
        """Analyses of samples of so many rows of every minority, drawn anew each time."""
        layout = self._layout(rows)
        for X in self._samples(layout, repetitions, seed):
            yield self._scope(sufficient_statistics(layout, X))

    def sketched_analyses(
        self, rows: int, width: int, repetitions: int, seed: int
    ) -> Iterator[tuple[Scope, Scope]]:
        """The same twice: with exact gradients, and with sketches under hashes of their own."""
        layout = self._layout(rows)
        for index, X in enumerate(self._samples(layout, repetitions, seed)):
            projection = projection_of(LAYERS, width, seed=index)
            exact = self._scope(sufficient_statistics(layout, X))
            yield exact, self._scope(_sketched(layout, X, projection))

    def _layout(self, rows: int) -> FoldLayout:
        return fold_layout(np.where(self.minorities, rows, MAJORITY_ROWS), FOLDS)

    def _scope(self, statistics: SufficientStatistics | ReplicatedStatistics) -> Scope:
        return scope_of(statistics, Setting(self.priors, self.minorities))

    def _samples(self, layout: FoldLayout, repetitions: int, seed: int) -> Iterator[Array]:
        generator = np.random.default_rng(seed)
        for _ in range(repetitions):
            yield self._fold_means(layout, generator)

    def _fold_means(self, layout: FoldLayout, generator: np.random.Generator) -> Array:
        means = []
        for c, rows in enumerate(self.gradients):
            folds, drawn = int(layout.folds_of_class[c]), int(layout.rows_used[c])
            chosen = rows[generator.integers(len(rows), size=drawn)]
            means += [chosen[k::folds].mean(0, dtype=np.float64) for k in range(folds)]
        return np.stack(means)


def _sketched(layout: FoldLayout, X: Array, projection: Projection) -> ReplicatedStatistics:
    """Statistics of the shared layers together, sketched as a worker does it."""
    project = Projector(projection, torch.device("cpu"))
    Y = np.stack([project(torch.from_numpy(row)).numpy() for row in X])
    of_layers = []
    for layer in projection.layers:
        start, end = layer.target
        pieces = np.split(Y[:, start:end], REPLICATES if layer.width else 1, axis=1)
        of_layers.append(
            ReplicatedStatistics(tuple(sufficient_statistics(layout, each) for each in pieces))
        )
    return reduce(add, of_layers)


def population(model: nn.Module, inputs: Tensor, labels: Tensor, priors: Array) -> Population:
    """Gradients of all rows of every class."""
    gradients = tuple(
        row_gradients(model, inputs[labels == c], labels[labels == c]).numpy()
        for c in range(CLASSES)
    )
    return Population(gradients, priors)


def populations(
    directory: Path, epochs: tuple[int, ...], seed: int
) -> Iterator[tuple[int, Population]]:
    """What a network trained on the long-tailed rows makes of rows of all classes.

    Args:
        directory: Of the real data.
        epochs: Stages of the training.
        seed: Of weights and batches.

    Yields:
        Every stage with its population: the first rows of every class of the whole set.
    """
    tail = load(directory, ImageSet("cifar10/train_lt100.parquet", "RGB", (3, 32, 32), 0))
    whole = load(directory, ImageSet("cifar10/train.parquet", "RGB", (3, 32, 32), 0))
    first = torch.cat(
        [torch.nonzero(whole.labels == c).flatten()[:ROWS_OF_CLASS] for c in range(CLASSES)]
    )
    inputs, labels = whole.inputs[first], whole.labels[first]
    priors = np.bincount(tail.labels.numpy(), minlength=CLASSES) / len(tail.labels)
    for epoch, model in stages(tail.inputs, tail.labels, epochs, seed):
        yield epoch, population(model, inputs, labels, priors)
