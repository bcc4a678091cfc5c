"""Networks that are measured; own definitions, in evaluation mode, from layers that all ways know."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.residual_network import residual_network


@dataclass(frozen=True, slots=True)
class Network:
    """An architecture.

    Attributes:
        name: As the options and the tables call it.
        build: Number of classes to the network.
        shape: Of one row.
        rows: Passed at a time, so that a pass can be timed and does not take long.
    """

    name: str
    build: Callable[[int], nn.Module]
    shape: tuple[int, ...]
    rows: int


def perceptron(classes: int) -> nn.Module:
    """Two hidden layers of 512 on 28×28: 0.7 M parameters."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512),
        nn.ReLU(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, classes),
    )


def convolutional(classes: int) -> nn.Module:
    """Five convolutions with batch normalisation at 32×32: 1.2 M parameters."""
    layers: list[nn.Module] = []
    for before, after in pairwise((3, 32, 64, 128, 256)):
        layers += [*_convolution(before, after), nn.MaxPool2d(2)]
    layers += [*_convolution(256, 256), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, classes))


def _convolution(before: int, after: int) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU()]


class Position(nn.Module):
    """Adds what belongs to the place of a token."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(1, tokens, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight


class Attention(nn.Module):
    """Self-attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a perceptron, each after a normalisation and beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.perceptron(x)


class VisionTransformer(nn.Module):
    """Patches of an image as tokens; their mean is classified (Dosovitskiy et al. 2021)."""

    def __init__(
        self, classes: int, *, side: int, patch: int, width: int, heads: int, depth: int
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.position = Position((side // patch) ** 2, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.position(self.patches(x).flatten(2).transpose(1, 2))
        return self.head(self.norm(self.blocks(tokens)).mean(1))


def small_transformer(classes: int) -> nn.Module:
    """Four layers of width 192 on 32×32, 16 tokens: 1.8 M parameters."""
    return VisionTransformer(classes, side=32, patch=8, width=192, heads=3, depth=4)


def base_transformer(classes: int) -> nn.Module:
    """Twelve layers of width 768 on 224×224, 196 tokens: 86 M parameters, those of ViT-B/16."""
    return VisionTransformer(classes, side=224, patch=16, width=768, heads=12, depth=12)


def of_a_seed(network: Network, classes: int, seed: int) -> nn.Module:
    """The network with its initial weights, in evaluation mode."""
    torch.manual_seed(seed)
    return network.build(classes).eval()


SMALL = ("mlp", "cnn", "vit")
LARGE = ("resnet50", "vit_base")
NETWORKS: MappingProxyType[str, Network] = MappingProxyType(
    {
        each.name: each
        for each in (
            Network("mlp", perceptron, (1, 28, 28), 4096),
            Network("cnn", convolutional, (3, 32, 32), 1024),
            Network("vit", small_transformer, (3, 32, 32), 1024),
            Network("resnet50", residual_network, (3, 224, 224), 512),
            Network("vit_base", base_transformer, (3, 224, 224), 512),
        )
    }
)
