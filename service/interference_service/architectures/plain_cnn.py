"""A convolutional network without branches."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from interference_service.architectures.activations import ACTIVATIONS, Activation
from interference_service.architectures.architecture import Arguments, ExampleInput

Side = Annotated[int, Field(ge=1, le=4096)]
Channels = Annotated[int, Field(ge=1, le=1 << 16)]


class PlainCnnArguments(Arguments):
    """Arguments of ``plain_cnn``.

    Attributes:
        height: Of an image, in pixels.
        width: Likewise.
        classes: C.
        channels: Of an image.
        widths: Channels of the blocks.
        kernel: Side of the convolutions, which keep height and width.
        batch_norm: Whether a block normalises; its convolution then has no bias.
        activation: Of every block.
        dropout: Before the head; it is off in evaluation mode, and changes no names.
    """

    height: Side
    width: Side
    classes: Annotated[int, Field(ge=1, le=1 << 20)]
    channels: Channels = 3
    widths: tuple[Channels, ...] = Field(default=(32, 64, 128), min_length=1, max_length=64)
    kernel: Literal[1, 3, 5, 7, 9, 11] = 3
    batch_norm: bool = True
    activation: Activation = "relu"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


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
        axes = ("batch", arguments.channels, arguments.height, arguments.width)
        return {"x": ExampleInput(axes)}
