"""Losses of single rows; none mixes rows, so a row's gradient is its own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

RowLoss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Logits ``[B, C]`` and targets ``[B]``, or terms ``[B, C]``, to losses ``[B]``."""


def per_row_loss(
    kind: str,
    *,
    label_smoothing: float = 0.0,
    class_weights: Sequence[float] = (),
    focal_gamma: float = 2.0,
    margin: float = 1.0,
) -> RowLoss:
    """The loss of every row (Mathematics §1).

    A class weight multiplies the losses of its rows and is not renormalised over the batch, as
    that would let rows depend on each other.

    Args:
        kind: ``cross_entropy``, ``focal`` (Lin et al. 2017), ``binary``, ``margin`` or
            ``multi_label``, whose targets are terms and whose weights are those of the labels.
        label_smoothing: Of cross entropy; in [0, 1).
        class_weights: Factor per class; empty: none. Has length C.
        focal_gamma: Focusing parameter of the focal loss.
        margin: Margin of the multi-class margin loss.
    """
    losses: dict[str, RowLoss] = {
        "cross_entropy": partial(
            functional.cross_entropy, reduction="none", label_smoothing=label_smoothing
        ),
        "focal": partial(_focal, gamma=focal_gamma),
        "binary": _binary,
        "margin": partial(functional.multi_margin_loss, reduction="none", margin=margin),
        "multi_label": partial(_multi_label, weights=tuple(class_weights)),
    }
    loss, weights = losses[kind], () if kind == "multi_label" else tuple(class_weights)

    def weighted(logits: Tensor, targets: Tensor) -> Tensor:
        # Half precision has too few digits for an exponential and a sum.
        wide = logits if logits.dtype == torch.float64 else logits.float()
        losses_of_rows = loss(wide, targets)
        return losses_of_rows * wide.new_tensor(weights)[targets] if weights else losses_of_rows

    return weighted


def _focal(logits: Tensor, targets: Tensor, *, gamma: float) -> Tensor:
    log_p = functional.log_softmax(logits, dim=1).gather(1, targets[:, None])[:, 0]
    return -((1 - log_p.exp()) ** gamma) * log_p


def _binary(logits: Tensor, targets: Tensor) -> Tensor:
    logits = logits.reshape(len(targets))
    return functional.binary_cross_entropy_with_logits(
        logits, targets.to(logits.dtype), reduction="none"
    )


def _multi_label(logits: Tensor, terms: Tensor, *, weights: tuple[float, ...]) -> Tensor:
    """Σ_j |T_j| w_j softplus(-T_j z_j) for terms T_j of 1, -1 or 0 (Mathematics §1)."""
    signs = terms.to(logits.dtype)
    # Beyond 20 torch's softplus takes its limits, which 64 bits still tell apart from it.
    losses = -signs.abs() * functional.logsigmoid(signs * logits)
    return (losses * logits.new_tensor(weights) if weights else losses).sum(1)
