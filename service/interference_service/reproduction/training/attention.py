"""What a network's attentions do on rows: how far their weights tell images and classes apart."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from interference_service.architectures.branch_attention import ChannelAttention
from interference_service.reproduction.records import Attention


@contextmanager
def watched(network: nn.Module) -> Iterator[list[Tensor]]:
    """Look at a network's attentions.

    Yields:
        The weights that they give meanwhile, of every call in turn, each of shape ``[B, channels]``.
    """
    given: list[Tensor] = []

    def keep(attention: ChannelAttention, inputs: tuple[Tensor], _: Tensor) -> None:
        given.append(attention.weights(*inputs).float())

    hooks = [
        each.register_forward_hook(keep)
        for each in network.modules()
        if isinstance(each, ChannelAttention)
    ]
    try:
        yield given
    finally:
        for each in hooks:
            each.remove()


def described(weights: Tensor, labels: Tensor) -> Attention:
    """The weights as a record has them.

    Args:
        weights: Those of all attentions. Has shape ``[N, W]``.
        labels: Of the rows. Has shape ``[N]``.
    """
    of_classes = torch.stack([weights[labels == each].mean(0) for each in labels.unique()])
    return Attention(
        mean=float(weights.mean()),
        over_rows=_spread(weights),
        over_classes=_spread(of_classes),
    )


def _spread(weights: Tensor) -> float:
    return float(weights.var(0, correction=0).mean().sqrt())
