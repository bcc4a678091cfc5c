"""A small residual network, with whose findings those of the networks of branches can be compared."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from interference_service.architectures.activations import ACTIVATIONS
from interference_service.architectures.architecture import ExampleInput
from interference_service.architectures.images import (
    Channels,
    ImageArguments,
    NormedConvolution,
    image_inputs,
)


class ResidualCnnArguments(ImageArguments):
    """Arguments of ``residual_cnn``; the defaults give about the size of ``multi_branch_cnn``.

    Attributes:
        widths: Channels of the stages; every stage but the first halves height and width.
        depth: Blocks of a stage.
    """

    widths: tuple[Channels, ...] = Field(default=(28, 64, 128, 256), min_length=1, max_length=16)
    depth: Annotated[int, Field(ge=1, le=64)] = 1


class ResidualBlock(nn.Module):
    """``first`` and ``second``, to which the images are added, or what ``shortcut`` makes of them.

    There is a shortcut, a convolution of one by one, where channels, height or width change.
    """

    def __init__(
        self, inside: int, outside: int, stride: int, arguments: ResidualCnnArguments
    ) -> None:
        super().__init__()
        self.first = NormedConvolution(inside, outside, 3, arguments.activation, stride=stride)
        self.second = NormedConvolution(outside, outside, 3, None)
        changes = stride > 1 or inside != outside
        self.shortcut = (
            NormedConvolution(inside, outside, 1, None, stride=stride) if changes else nn.Identity()
        )
        self.activation = ACTIVATIONS[arguments.activation]()

    def forward(self, images: Tensor) -> Tensor:
        """Features of shape ``[B, outside, H/stride, W/stride]``, rounded up."""
        features: Tensor = self.activation(self.second(self.first(images)) + self.shortcut(images))
        return features


class ResidualNetwork(nn.Module):
    """``stem``, ``stages.0.0 … stages.{n-1}.{depth-1}``, the mean over the image, and ``head``."""

    def __init__(self, arguments: ResidualCnnArguments) -> None:
        super().__init__()
        first = arguments.widths[0]
        self.stem = NormedConvolution(arguments.channels, first, 3, arguments.activation)
        self.stages = nn.ModuleList(
            _stage(inside, outside, 1 if number == 0 else 2, arguments)
            for number, (inside, outside) in enumerate(pairwise((first, *arguments.widths)))
        )
        self.dropout = nn.Dropout(arguments.dropout)
        self.head = nn.Linear(arguments.widths[-1], arguments.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape ``[B, C]`` of images of shape ``[B, channels, height, width]``."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        logits: Tensor = self.head(self.dropout(x.mean((2, 3))))
        return logits


def _stage(inside: int, outside: int, stride: int, arguments: ResidualCnnArguments) -> nn.Module:
    others = (ResidualBlock(outside, outside, 1, arguments) for _ in range(arguments.depth - 1))
    return nn.Sequential(ResidualBlock(inside, outside, stride, arguments), *others)


class ResidualCnn:
    """See ``Architecture``."""

    arguments = ResidualCnnArguments

    def build(self, arguments: ResidualCnnArguments) -> nn.Module:
        """See ``Architecture.build``."""
        return ResidualNetwork(arguments)

    def example_inputs(self, arguments: ResidualCnnArguments) -> Mapping[str, ExampleInput]:
        """See ``Architecture.example_inputs``."""
        return image_inputs(arguments)
