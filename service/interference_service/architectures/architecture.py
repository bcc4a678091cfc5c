"""What a network by name offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from pydantic import BaseModel, ConfigDict
from torch import nn

A = TypeVar("A", bound=BaseModel)


class Arguments(BaseModel):
    """Base of a network's arguments: immutable, and none is accepted that it does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class ExampleInput:
    """An argument of a network's forward.

    Attributes:
        axes: Size of every axis, or the name of one of any size; the first is ``"batch"``.
        dtype: Of its entries.
    """

    axes: tuple[int | str, ...]
    dtype: torch.dtype = torch.float32


class Architecture(Protocol[A]):
    """A network with a name; operators bring their own as entry points of ``registry.GROUP``.

    Entry points name an object with these three, for instance an instance of a class. It is used
    on the workers, twice for a job: with the same arguments it must build the same network.

    Attributes:
        arguments: Pydantic model of its arguments. It bounds every number, because clients choose
            them, and refuses arguments that it does not know, as ``Arguments`` does.
    """

    arguments: type[A]

    def build(self, arguments: A, /) -> nn.Module:
        """The network; its weights do not matter, the names of its parameters do.

        It is called on torch's meta device first, where tensors have a size but no values.

        Args:
            arguments: An instance of ``self.arguments``.
        """

    def example_inputs(self, arguments: A, /) -> Mapping[str, ExampleInput]:
        """Arguments of the network's forward by name.

        Args:
            arguments: An instance of ``self.arguments``.
        """
