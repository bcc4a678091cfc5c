"""A perceptron with hidden layers."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from interference_service.architectures.activations import ACTIVATIONS, Activation
from interference_service.architectures.architecture import Arguments, ExampleInput

Width = Annotated[int, Field(ge=1, le=1 << 20)]


class MlpArguments(Arguments):
    """Arguments of ``mlp``.

    Attributes:
        features: Numbers of a row.
        classes: C.
        hidden: Widths of the hidden layers.
        activation: After every hidden layer.
        dropout: Likewise; it is off in evaluation mode, and changes no names.
    """

    features: Width
    classes: Width
    hidden: tuple[Width, ...] = Field(default=(), max_length=64)
    activation: Activation = "relu"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class MlpNetwork(nn.Module):
    """``hidden.0 … hidden.{n-1}`` and ``head``, all of them ``nn.Linear``."""

    def __init__(self, arguments: MlpArguments) -> None:
        super().__init__()
        widths = (arguments.features, *arguments.hidden)
        self.hidden = nn.ModuleList(
            nn.Linear(inside, outside) for inside, outside in pairwise(widths)
        )
        self.activation = ACTIVATIONS[arguments.activation]()
        self.dropout = nn.Dropout(arguments.dropout)
        self.head = nn.Linear(widths[-1], arguments.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape ``[B, C]`` of rows of shape ``[B, features]``, or of any that flatten so."""
        x = x.flatten(1)
        for layer in self.hidden:
            x = self.dropout(self.activation(layer(x)))
        logits: Tensor = self.head(x)
        return logits


class Mlp:
    """See ``Architecture``."""

    arguments = MlpArguments

    def build(self, arguments: MlpArguments) -> nn.Module:
        """See ``Architecture.build``."""
        return MlpNetwork(arguments)

    def example_inputs(self, arguments: MlpArguments) -> Mapping[str, ExampleInput]:
        """See ``Architecture.example_inputs``."""
        return {"x": ExampleInput(("batch", arguments.features))}
