"""Losses of a classifier, by name: what class imbalance is answered with in the loss itself.

Every loss is of rows: logits of shape ``[B, C]``, labels of shape ``[B]`` and the training rows of
the classes, of shape ``[C]``, give losses of shape ``[B]``. A batch's loss is their mean.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from torch import Tensor, nn

from interference_service.reproduction.records import Loss

RowLosses: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]

BETA = 0.9999
"""Of the four values that Cui et al. (2019) try on long-tailed CIFAR-10, the one nearest to weights
by inverse frequency; later comparisons (Cao et al. 2019, LDAM) use it too."""
TAU = 1.0
"""With 1 the adjusted loss is consistent for the balanced error (Menon et al. 2021, theorem 1)."""


def cross_entropy(logits: Tensor, labels: Tensor, counts: Tensor) -> Tensor:  # noqa: ARG001 - one interface
    """-log p(y | x)."""
    return nn.functional.cross_entropy(logits, labels, reduction="none")


def class_balanced(logits: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
    """w_y · -log p(y | x), with w_c proportional to 1 / effective number of rows, and mean 1.

    The effective number is (1 - β^n_c) / (1 - β) (Cui et al. 2019, arXiv 1901.05555, equation 2).
    """
    weights = class_balanced_weights(counts).to(logits)
    return weights[labels] * nn.functional.cross_entropy(logits, labels, reduction="none")


def class_balanced_weights(counts: Tensor, beta: float = BETA) -> Tensor:
    """Weights of shape ``[C]``; their sum is C, so that the learning rate keeps its meaning."""
    weights = (1 - beta) / (1 - beta ** counts.double().clamp(min=1))
    return weights / weights.mean()


def logit_adjusted(logits: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
    """-log softmax(f(x) + τ log π)_y, with the class shares π of the training rows.

    Menon et al. (2021, arXiv 2007.07314, equation 10). It is for training alone: the network is
    asked without the shift.
    """
    counts = counts.double().clamp(min=1)
    shift = TAU * (counts / counts.sum()).log()
    return nn.functional.cross_entropy(logits + shift.to(logits), labels, reduction="none")


LOSSES: Mapping[Loss, RowLosses] = {
    "cross_entropy": cross_entropy,
    "class_balanced": class_balanced,
    "logit_adjusted": logit_adjusted,
}
