"""The estimators, written down a second time and as slowly as they read (Mathematics §§1-3, 5).

One autograd call per row in 64 bits, sums over explicit pairs of rows and folds; of the service's
code only the keys that deal rows into folds, which are a convention and not a computation.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interference_service.core.sampling import row_keys

Array = NDArray[np.float64]


def per_sample_gradients(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy,
) -> dict[str, Array]:
    """Gradient of the loss of every row, by layer. Each has shape ``[n, P_l]``."""
    model = deepcopy(model).double().eval()
    rows: dict[str, list[Array]] = {}
    for x, y in zip(inputs.double(), labels, strict=True):
        model.zero_grad()
        loss(model(x[None]), y[None]).backward()
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
        return self._relative(priors, -1.0)

    def support(self, priors: Array) -> Array:
        return self._relative(priors, 1.0)

    def _relative(self, priors: Array, sign: float) -> Array:
        """Σ_{d≠c} π_d max(0, ±G_cd) / (π_c U_c)."""
        G = self.gram()
        part = np.maximum(0.0, sign * (G - np.diag(np.diag(G))))
        return (part @ priors) / (priors * np.diag(G))

    def descent_rate(self, priors: Array) -> Array:
        return self.gram() @ priors

    def norms(self) -> Array:
        return np.sqrt(np.diag(self.gram()))

    def share_of_update(self, priors: Array) -> Array:
        weighted = priors * self.norms()
        return weighted / weighted.sum()

    def without(self, c: int, fold: int) -> "BruteForce":
        """The same without the rows of one fold of one class."""
        kept = ~((self.labels == c) & (self.folds == fold))
        return BruteForce(
            self.gradients[kept], self.labels[kept], self.folds[kept], self.num_classes
        )

    def without_each_replicate(self) -> list["BruteForce"]:
        """The same from all sketches of the gradients but one; none where nothing is sketched."""
        return []

    def folds_of(self, c: int) -> Iterable[int]:
        return sorted(set(self.folds[self.labels == c].tolist()))

    def counts(self) -> list[int]:
        """Rows of every class. Has length C."""
        return [int((self.labels == c).sum()) for c in range(self.num_classes)]

    def means_of_folds(self) -> Array:
        """Mean gradient of every fold of every class, in that order. Has shape ``[R, P]``."""
        return np.stack(
            [
                self.gradients[(self.labels == c) & (self.folds == fold)].mean(0)
                for c in range(self.num_classes)
                for fold in self.folds_of(c)
            ]
        )

    def jackknife(self, statistic: Callable[["BruteForce"], Array]) -> Array:
        """Variance of a statistic by the folds of each class; NaN for fewer than two folds.

        Equations 8 and 9 of Busing, Meijer, Van der Leeden 1999. Has shape ``[C, ...]``.
        """
        whole = statistic(self)
        return np.stack([self._variance_by(c, statistic, whole) for c in range(self.num_classes)])

    def _variance_by(
        self, c: int, statistic: Callable[["BruteForce"], Array], whole: Array
    ) -> Array:
        folds = list(self.folds_of(c))
        if len(folds) < 2:
            return np.full_like(whole, np.nan)
        n = (self.labels == c).sum()
        m = [((self.labels == c) & (self.folds == fold)).sum() for fold in folds]
        without = [statistic(self.without(c, fold)) for fold in folds]
        pairs = list(zip(m, without, strict=True))
        estimate = len(folds) * whole - sum((1 - m_j / n) * T_j for m_j, T_j in pairs)
        squares = [
            (n / m_j * whole - (n / m_j - 1) * T_j - estimate) ** 2 / (n / m_j - 1)
            for m_j, T_j in pairs
        ]
        return np.asarray(sum(squares) / len(folds))


@dataclass
class SketchedRows(BruteForce):
    """Rows of whose gradients only sketches are known, so that products are means over these.

    With the sketches side by side, each over √b, a product of two rows is that mean by itself.

    Attributes:
        replicates: b.
    """

    replicates: int

    @classmethod
    def of(cls, rows: BruteForce, sketches: Sequence[Array]) -> "SketchedRows":
        """The rows of an analysis with sketches of their gradients, each of shape ``[n, w]``."""
        side_by_side = np.concatenate(sketches, axis=1) / np.sqrt(len(sketches))
        return cls(side_by_side, rows.labels, rows.folds, rows.num_classes, len(sketches))

    def sketch(self, j: int) -> BruteForce:
        """One of the sketches by itself."""
        own = np.split(self.gradients, self.replicates, axis=1)[j] * np.sqrt(self.replicates)
        return BruteForce(own, self.labels, self.folds, self.num_classes)

    def without_each_replicate(self) -> list[BruteForce]:
        sketches = [self.sketch(j).gradients for j in range(self.replicates)]
        return [
            SketchedRows.of(self, sketches[:j] + sketches[j + 1 :]) for j in range(self.replicates)
        ]


def slow_benjamini_hochberg(p: list[float], rate: float) -> list[bool]:
    """Reject all p up to the largest that lies below its line."""
    finite = sorted(each for each in p if not np.isnan(each))
    limits = [
        each for rank, each in enumerate(finite, start=1) if each <= rate * rank / len(finite)
    ]
    return [bool(limits) and each <= max(limits) for each in p]


def random_classes(
    counts: Sequence[int], folds: int, *, features: int = 6, signal: float = 2.0, seed: int = 0
) -> BruteForce:
    """Rows around a random mean per class with noise of 1, dealt round into folds.

    Args:
        counts: Rows of every class. Has length C.
        folds: Most folds of a class.
        features: P.
        signal: Standard deviation of the entries of the means.
        seed: Of the generator.
    """
    generator = np.random.default_rng(seed)
    means = signal * generator.normal(size=(len(counts), features))
    labels = np.repeat(np.arange(len(counts)), counts)
    gradients = means[labels] + generator.normal(size=(len(labels), features))
    dealt = [rank % min(folds, n) for n in counts for rank in range(n)]
    return BruteForce(gradients, labels, np.array(dealt, dtype=int), len(counts))
