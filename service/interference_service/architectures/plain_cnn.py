"""A convolutional network without branches."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from interference_service.architectures.activations import ACTIVATIONS
from interference_service.architectures.architecture import ExampleInput
from interference_service.architectures.images import Channels, ImageArguments, image_inputs


class PlainCnnArguments(ImageArguments):
    """Arguments of ``plain_cnn``.

    Attributes:
        widths: Channels of the blocks.
        kernel: Side of the convolutions, which keep height and width.
        batch_norm: Whether a block normalises; its convolution then has no bias.
    """

    widths: tuple[Channels, ...] = Field(default=(32, 64, 128), min_length=1, max_length=64)
    kernel: Literal[1, 3, 5, 7, 9, 11] = 3
    batch_norm: bool = True


class Block(nn.Module):
    """``convolution``, ``norm`` where there is one, an activation, and half of height and width."""

    def __init__(self, inside: int, outside: int, arguments: PlainCnnArguments) -> None:
        super().__init__()
        normed = arguments.batch_norm
        self.convolution = nn.Conv2d(
            inside, outside, arguments.kernel, padding=arguments.kernel // 2, bias=not normed
        )
        self.norm = nn.BatchNorm2d(outside) if normed else nn.Identity()
        self.activation = ACTIVATIONS[arguments.activation]()
        self.pool = nn.MaxPool2d(2, ceil_mode=True)

    def forward(self, images: Tensor) -> Tensor:
        """Features of shape ``[B, outside, H/2, W/2]``, rounded up."""
        features: Tensor = self.pool(self.activation(self.norm(self.convolution(images))))
        return features


class PlainCnnNetwork(nn.Module):
    """``blocks.0 … blocks.{n-1}``, the mean over the image, and ``head``, an ``nn.Linear``."""

    def __init__(self, arguments: PlainCnnArguments) -> None:
        super().__init__()
        widths = (arguments.channels, *arguments.widths)
        self.blocks = nn.ModuleList(
            Block(inside, outside, arguments) for inside, outside in pairwise(widths)
        )
        self.dropout = nn.Dropout(arguments.dropout)
        self.head = nn.Linear(widths[-1], arguments.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape ``[B, C]`` of images of shape ``[B, channels, height, width]``."""
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.dropout(x.mean((2, 3))))
        return logits


class PlainCnn:
    """See ``Architecture``."""

    arguments = PlainCnnArguments

    def build(self, arguments: PlainCnnArguments) -> nn.Module:
        """See ``Architecture.build``."""
        return PlainCnnNetwork(arguments)

    def example_inputs(self, arguments: PlainCnnArguments) -> Mapping[str, ExampleInput]:
        """See ``Architecture.example_inputs``."""
        return image_inputs(arguments)
