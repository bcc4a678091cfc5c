"""The estimators, written down a second time and as slowly as they read (Mathematics §§1-5).

One autograd call per row in 64 bits, sums over explicit pairs of rows and folds; of the service's
code only the keys that deal rows into folds, which are a convention and not a computation.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interference_service.core.sampling import row_keys

Array = NDArray[np.float64]


def per_sample_gradients(model: nn.Module, inputs: Tensor, labels: Tensor) -> dict[str, Array]:
    """Gradient of the cross entropy of every row, by layer. Each has shape ``[n, P_l]``."""
    model = deepcopy(model).double().eval()
    rows: dict[str, list[Array]] = {}
    for x, y in zip(inputs.double(), labels, strict=True):
        model.zero_grad()
        nn.functional.cross_entropy(model(x[None]), y[None]).backward()
        row: dict[str, list[Tensor]] = {}
        for name, parameter in model.named_parameters():
            row.setdefault(name.rpartition(".")[0], []).append(parameter.grad.flatten())
        for layer, parts in row.items():
            rows.setdefault(layer, []).append(torch.cat(parts).numpy().copy())
    return {layer: np.stack(each) for layer, each in rows.items()}


def dealt_folds(labels: Array, folds: int, *, source: str, seed: int = 0) -> Array:
    """Fold of every row: rows of a class in the order of their keys, dealt round. Shape ``[n]``."""
    keys = row_keys(seed, source, np.arange(len(labels)))
    found = np.zeros(len(labels), dtype=int)
    for label in set(labels.tolist()):
        mine = np.flatnonzero(labels == label)
        by_key = mine[np.argsort(keys[mine])]
        for rank, row in enumerate(by_key):
            found[row] = rank % min(folds, len(mine))
    return found


@dataclass
class BruteForce:
    """Rows with a gradient, a class and a fold each.

    Attributes:
        gradients: Has shape ``[n, P]``.
        labels: Has shape ``[n]``.
        folds: Has shape ``[n]``.
        num_classes: C.
    """

    gradients: Array
    labels: Array
    folds: Array
    num_classes: int

    def mean(self, c: int) -> Array:
        return self.gradients[self.labels == c].mean(0)

    def product(self, c: int, d: int) -> float:
        """G_cd: for two classes the product of their means, for one the mean over pairs of rows
        in different folds.
        """
        if c != d:
            return float(self.mean(c) @ self.mean(d))
        g, fold = self.gradients[self.labels == c], self.folds[self.labels == c]
        products = [g[i] @ g[j] for i, j in permutations(range(len(g)), 2) if fold[i] != fold[j]]
        return float(np.mean(products)) if products else np.nan

    def gram(self) -> Array:
        C = range(self.num_classes)
        return np.array([[self.product(c, d) for d in C] for c in C])

    def corrected(self) -> Array:
        G = self.gram()
        M = G / np.sqrt(np.outer(np.diag(G), np.diag(G)))
        np.fill_diagonal(M, 1.0)
        return M

    def plain(self) -> Array:
        means = np.stack([self.mean(c) for c in range(self.num_classes)])
        norms = np.linalg.norm(means, axis=1)
        return means @ means.T / np.outer(norms, norms)

    def progress_ratio(self, priors: Array) -> Array:
        G = self.gram()
        return (G @ priors) / (priors * np.diag(G))

    def suppression(self, priors: Array) -> Array:
        G = self.gram()
        opposed = np.maximum(0.0, -(G - np.diag(np.diag(G))))
        return (opposed @ priors) / (priors * np.diag(G))

    def without(self, c: int, fold: int) -> "BruteForce":
        """The same without the rows of one fold of one class."""
        kept = ~((self.labels == c) & (self.folds == fold))
        return BruteForce(
            self.gradients[kept], self.labels[kept], self.folds[kept], self.num_classes
        )

    def folds_of(self, c: int) -> Iterable[int]:
        return sorted(set(self.folds[self.labels == c].tolist()))
