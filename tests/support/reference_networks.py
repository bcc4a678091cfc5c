"""Networks that a model reference may name, each with rows, and as an architecture of a package."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from interference_service.architectures.architecture import Arguments, ExampleInput
from interference_service.architectures.mlp import Mlp
from support.networks.network import VOCABULARY, Inputs, Network, numbers


class Residual(nn.Module):
    """Two convolutions with a shortcut, activations in place as torchvision writes them."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outside)
        self.second = nn.Conv2d(outside, outside, 3, padding=1)
        self.shortcut = nn.Conv2d(inside, outside, 1, stride=2)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.second(self.activation(self.norm(self.first(images))))
        inner += self.shortcut(images)
        return self.activation(inner)


class VisionTransformer(nn.Module):
    """Patches, a class token, positions, an encoder block, a head."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 5, width))
        self.encoder = nn.TransformerEncoderLayer(
            width, 2, 16, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 3)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(images.shape[0], -1, -1), patches], dim=1)
        return self.head(self.norm(self.encoder(tokens + self.positions))[:, 0])


class Attention(nn.Module):
    """Attention written out: one projection, split by reshape and unbind, and scaled products."""

    def __init__(self, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.projection = nn.Linear(width, 3 * width)
        self.head = nn.Linear(width, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, length, width = tokens.shape
        split = self.projection(tokens).reshape(batch, length, 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5).softmax(dim=-1)
        mixed = (weights @ value).transpose(1, 2).reshape(batch, length, width)
        return self.head(mixed.mean(dim=1))


class Words(nn.Module):
    """Embeddings whose matrix is also the last layer's: tied weights."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6, padding_idx=0)
        self.inner = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Dropout(0.5))
        self.last = nn.Linear(6, 11, bias=False)
        self.last.weight = self.embedding.weight

    def forward(self, words: Tensor) -> Tensor:
        return self.last(self.inner(self.embedding(words).mean(dim=1)))


class Mobile(nn.Module):
    """An inverted residual with squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.widen = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.Hardswish())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.SiLU())
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(8, 2, 1),
            nn.ReLU6(),
            nn.Conv2d(2, 8, 1),
            nn.Hardsigmoid(),
        )
        self.head = nn.Linear(8, 3)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.depthwise(self.widen(images))
        return self.head((inner * self.squeeze(inner)).mean((2, 3)))


class InPlace(nn.Module):
    """Activations in place on the input itself, and sums into a view."""

    def __init__(self) -> None:
        super().__init__()
        self.activation = nn.LeakyReLU(0.1, inplace=True)
        self.inner = nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        inner = self.inner(self.activation(tokens))
        inner[:, :, 0].add_(1.5)
        inner *= 2
        return self.head(inner.mean(dim=1))


class Assorted(nn.Module):
    """Layers that are less common, but found in networks for images."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.ConvTranspose2d(3, 4, 2, stride=2),
            nn.InstanceNorm2d(4, affine=True),
            nn.SELU(),
            nn.LocalResponseNorm(3),
            nn.ChannelShuffle(2),
            nn.AdaptiveMaxPool2d(6),
            nn.Upsample(scale_factor=2, mode="bilinear"),
        )
        self.scale = nn.Parameter(torch.randn(4))

    def forward(self, images: Tensor) -> Tensor:
        inner = functional.interpolate(self.stem(images), size=(5, 5), mode="bicubic")
        rows = torch.einsum("bchw,c->bhw", inner, self.scale)
        rows = functional.normalize(rows, dim=-1).mT
        return torch.stack([rows.max(1).values.sum(1), rows.logsumexp((1, 2))], dim=1)


def perceptron() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(192, 6),
        nn.BatchNorm1d(6),
        nn.LeakyReLU(0.1),
        nn.Dropout(0.3),
        nn.Linear(6, 5),
        nn.ELU(),
        nn.Linear(5, 3),
        nn.LogSoftmax(dim=1),
    )


def convolutional() -> nn.Module:
    """Grouped, dilated and strided convolutions, every pooling, two normalisations."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding="same", groups=3, padding_mode="reflect"),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, dilation=2, padding=2, stride=(2, 1)),
        nn.GroupNorm(2, 8),
        nn.GELU(approximate="tanh"),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AvgPool2d(2, padding=1),
        nn.Dropout2d(0.2),
        nn.PReLU(8),
        nn.AdaptiveAvgPool2d((2, 1)),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


def residual() -> nn.Module:
    return nn.Sequential(
        Residual(3, 4), Residual(4, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )


def sentences(count: int, generator: torch.Generator) -> Inputs:
    return {"words": torch.randint(VOCABULARY, (count, 4), generator=generator)}


IMAGES, TOKENS = (3, 8, 8), (5, 8)
NETWORKS: Mapping[str, Network] = {
    "perceptron": Network(perceptron, numbers("input", *IMAGES)),
    "convolutional": Network(convolutional, numbers("input", *IMAGES)),
    "residual": Network(residual, numbers("input", *IMAGES)),
    "mobile": Network(Mobile, numbers("images", *IMAGES)),
    "vision transformer": Network(VisionTransformer, numbers("images", *IMAGES)),
    "attention": Network(Attention, numbers("tokens", *TOKENS)),
    "words": Network(Words, sentences),
    "in place": Network(InPlace, numbers("tokens", *TOKENS)),
    "assorted": Network(Assorted, numbers("images", *IMAGES)),
    "linear": Network(lambda: nn.Linear(4, 3), numbers("input", 4)),
}


class ReferenceArguments(Arguments):
    network: str


class ReferenceArchitecture:
    """All of them under one name, as a package of an operator would bring it."""

    arguments = ReferenceArguments

    def build(self, arguments: ReferenceArguments) -> nn.Module:
        return NETWORKS[arguments.network].make()

    def example_inputs(self, arguments: ReferenceArguments) -> dict[str, ExampleInput]:
        rows = NETWORKS[arguments.network].rows(2, dtype=torch.float32)
        return {
            name: ExampleInput(("batch", *each.shape[1:]), each.dtype)
            for name, each in rows.items()
        }


ARCHITECTURE = ReferenceArchitecture()
MLP = Mlp()
"""One of the service's own, as if a package brought it."""
