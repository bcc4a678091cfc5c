"""What networks for images have in common."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from interference_service.architectures.activations import ACTIVATIONS, Activation
from interference_service.architectures.architecture import Arguments, ExampleInput

Side = Annotated[int, Field(ge=1, le=4096)]
Channels = Annotated[int, Field(ge=1, le=1 << 16)]


class ImageArguments(Arguments):
    """Base of the arguments of networks for images.

    Attributes:
        height: Of an image, in pixels.
        width: Likewise.
        classes: C.
        channels: Of an image.
        activation: Of every block.
        dropout: Before the head; it is off in evaluation mode, and changes no names.
    """

    height: Side
    width: Side
    classes: Annotated[int, Field(ge=1, le=1 << 20)]
    channels: Channels = 3
    activation: Activation = "relu"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


def image_inputs(arguments: ImageArguments) -> Mapping[str, ExampleInput]:
    """Images as the one argument ``x`` of a network's forward."""
    axes = ("batch", arguments.channels, arguments.height, arguments.width)
    return {"x": ExampleInput(axes)}


class NormedConvolution(nn.Module):
    """``convolution``, which has no bias, ``norm``, and an activation unless there is to be none.

    With a stride of s it gives 1/s of height and width, rounded up.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        kernel: int,
        activation: Activation | None,
        *,
        stride: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            inside,
            outside,
            kernel,
            stride=stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(outside)
        self.activation = ACTIVATIONS[activation]() if activation else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Features of shape ``[B, outside, H/s, W/s]`` of images of shape ``[B, inside, H, W]``."""
        features: Tensor = self.activation(self.norm(self.convolution(images)))
        return features
