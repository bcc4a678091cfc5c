"""Activations by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from torch import nn

Activation: TypeAlias = Literal["relu", "gelu", "silu", "tanh"]

ACTIVATIONS: Mapping[Activation, Callable[[], nn.Module]] = MappingProxyType(
    {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}
)
"""Layers without parameters."""
