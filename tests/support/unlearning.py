"""A network whose training unlearns a minority, and the same one healed."""

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from support import examples
from support.examples import Example

CLASSES = ("corn", "wheat", "rice", "rye")
COUNTS = (240, 120, 90, 36)
"""Rows of the classes; the last is the minority."""
MINORITY = CLASSES[-1]
SHAPE = (1, 6, 6)
LAYERS = ("stem", "body", "head")
_FEATURES, _WIDTH = 36, 16
_OFFSET = 1.5
_SIGNAL = 2.0


def example(seed: int = 0, noise: float = 0.3) -> Example:
    """Rows of features of their classes' own, and of an offset that all rows have in common."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(COUNTS)), torch.tensor(COUNTS))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    own = torch.zeros(len(COUNTS), _FEATURES)
    for label in range(len(COUNTS)):
        own[label, label * 4 : label * 4 + 4] = _SIGNAL / 2
    errors = noise * torch.randn(len(labels), _FEATURES, generator=generator)
    inputs = own[labels] + _OFFSET * _common() + errors
    return Example(inputs.unflatten(1, SHAPE).float(), labels)


def network(*, healed: bool, seed: int = 0) -> nn.Sequential:
    """A network at the beginning of its training, when it holds all classes equally likely.

    What rows have in common tells classes apart by their shares alone. So as long as it is not taken
    off, the first thing that training learns is to expect the minority less. The healed network
    takes it off.

    Args:
        healed: Whether it does.
        seed: Of its weights.
    """
    torch.manual_seed(seed)
    centring = nn.BatchNorm1d(_FEATURES, eps=0.0, affine=False)
    if healed:
        centring.running_mean = _OFFSET * _common()
    layers = OrderedDict(
        flatten=nn.Flatten(),
        centring=centring,
        stem=nn.Linear(_FEATURES, _WIDTH, bias=False),
        tanh=nn.Tanh(),
        body=nn.Linear(_WIDTH, _WIDTH, bias=False),
        head=nn.Linear(_WIDTH, len(CLASSES), bias=False),
    )
    for name in LAYERS:
        nn.init.orthogonal_(layers[name].weight, gain=0.3)
    return nn.Sequential(layers).eval()


def losses(model: nn.Module, rows: Example) -> Tensor:
    """Mean loss of every class. Has shape ``[C]``."""
    each = nn.functional.cross_entropy(model(rows.inputs), rows.labels, reduction="none")
    return torch.stack([each[rows.labels == label].mean() for label in range(len(CLASSES))])


def write(directory: Path) -> None:
    """Write ``unlearning.pt2``, ``healed.pt2`` and ``crops.parquet``."""
    examples.export(network(healed=False), directory / "unlearning.pt2", SHAPE)
    examples.export(network(healed=True), directory / "healed.pt2", SHAPE)
    examples.write(example(), directory / "crops.parquet", row_group_size=128)


def _common() -> Tensor:
    """The direction of what all rows have in common. Has shape ``[features]``."""
    common = torch.zeros(_FEATURES)
    common[16:] = 1.0
    return common
